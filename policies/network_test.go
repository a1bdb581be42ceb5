package policies

import (
	"reflect"
	"strings"
	"testing"
)

func TestNetworkEntries(t *testing.T) {
	p, err := Parse([]byte(`
extends: standard
network:
  mode: allow
  allow: [API.example.com., "*.npmjs.org", "db.example.com:5432", "[2001:db8::/32]:22",
    {host: Many.example.com, ports: [443, 8443]}]
  deny: [evil.npmjs.org]
  limits: {connections: 8, bytes: 1MiB}
`), "p.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := []NetworkRule{{Host: "api.example.com"}, {Host: "*.npmjs.org"},
		{Host: "db.example.com", Ports: []int{5432}}, {Host: "2001:db8::/32", Ports: []int{22}},
		{Host: "many.example.com", Ports: []int{443, 8443}}}
	if !reflect.DeepEqual(p.Network.Allow, want) || p.Network.Limits.Bytes != 1<<20 {
		t.Errorf("%+v", p.Network)
	}
	again, err := Parse(p.YAML(), "p.yaml")
	if err != nil {
		t.Fatalf("%v\n%s", err, p.YAML())
	}
	if !reflect.DeepEqual(again.Network, p.Network) {
		t.Errorf("written and read: %+v, not %+v", again.Network, p.Network)
	}
	standard, _ := Preset("standard")
	var changes []string
	for _, c := range Diff(standard, p) {
		changes = append(changes, c.String())
	}
	if text := strings.Join(changes, "\n"); !strings.Contains(text,
		`+ network.allow: "db.example.com:5432"`) ||
		!strings.Contains(text, "~ network.mode: none → allow") {
		t.Error(text)
	}
}

func secretsOf(list string) string {
	return "network: {mode: allow, allow: [a.example]}\nsecrets: [" + list + "]"
}

func TestNetworkProblems(t *testing.T) {
	for document, want := range map[string]string{
		`network: {mode: allow}`: "nothing is allowed",
		`network: {mode: allow, allow: [{host: a.example, methods: [get]}]}`:          "not a method",
		`network: {mode: allow, allow: [{host: 192.0.2.0/24, methods: [GET]}]}`:       "a host name",
		`network: {mode: allow, allow: [a.example], deny: [{host: b, methods: [X]}]}`: "be denied",

		`secrets: [{name: T, hosts: [a.example], header: X}]`:                 "network.mode allow",
		secretsOf(`{name: 1T, hosts: [a.example], header: X}`):                "no name of an environment",
		secretsOf(`{name: T, hosts: [a.example], header: Host}`):              "can't go into the header",
		secretsOf(`{name: T, hosts: [a.example], header: "A b"}`):             "can't go into the header",
		secretsOf(`{name: T, hosts: [a.example]}`):                            "where the secret goes",
		secretsOf(`{name: T, header: X}`):                                     "no hosts",
		secretsOf(`{name: T, hosts: [b.example], header: X}`):                 "not in network.allow",
		secretsOf(`{name: T, hosts: ["*.a.example"], header: X}`):             "not in network.allow",
		secretsOf(`{name: T, hosts: ["*"], header: X}`):                       "hosts that are not named",
		secretsOf(`{name: T, hosts: [192.0.2.1], header: X}`):                 "hosts that are not named",
		secretsOf(`{name: T, hosts: [a.example], header: X, format: Bearer}`): "no value of a",
		secretsOf(`{name: T, hosts: [a.example], header: Authorization, basic: true}`): "is the " +
			"header Authorization",
		secretsOf(`{name: T, hosts: [a.example], header: X, value: abc}`): "unknown key",
		`network: {allow: [api.example.com]}`: "does nothing with " +
			"mode none",
		`network: {mode: host, allow: [api.example.com]}`: "does nothing with " +
			"mode host",
		`network: {mode: allow, allow: ["https://a.example"]}`:               "is a URL",
		`network: {mode: allow, allow: [{host: a.example, ports: [0]}]}`:     "0 is not a port",
		`network: {mode: allow, allow: [{host: "bücher.example"}]}`:          "is not ASCII",
		`network: {mode: allow, allow: [{hosts: a.example}]}`:                "unknown key",
		`network: {mode: allow, allow: [a.example], private: yes}`:           "network.private",
		`network: {mode: allow, allow: [a.example], dns: {servers: [one]}}`:  "DNS server",
		`network: {mode: allow, allow: [a.example], limits: {bytes: -1MiB}}`: "",
	} {
		_, err := Parse([]byte("extends: standard\n"+document), "p.yaml")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", document, err, want)
		}
	}
}

func TestStrictGetsSocketsWithANetwork(t *testing.T) {
	strict, _ := Preset("strict")
	if strict.AllowsSocket("AF_INET") {
		t.Fatal("strict has internet sockets by itself")
	}
	strict.AllowNetwork(NetworkRule{Host: "api.example.com"})
	if err := strict.Validate(); err != nil {
		t.Fatal(err)
	}
	n := len(strict.Syscalls.Allow)
	if strict.AllowNetwork(NetworkRule{Host: "api.example.com"}); len(strict.Syscalls.Allow) != n ||
		len(strict.Network.Allow) != 1 {
		t.Error("the same again adds something")
	}
	fromFile, err := Parse([]byte("extends: strict\nnetwork: {mode: allow, allow: "+
		"[api.example.com]}"), "strict")
	if err != nil || !reflect.DeepEqual(fromFile.Syscalls, strict.Syscalls) {
		t.Errorf("a file of the same has other syscalls: %v", err)
	}
	standard, _ := Preset("standard")
	before := len(standard.Syscalls.Allow)
	standard.AllowNetwork(NetworkRule{Host: "api.example.com"})
	if len(standard.Syscalls.Allow) != before {
		t.Error("standard has internet sockets, and gets more")
	}
	maximum, _ := Preset("maximum")
	maximum.AllowNetwork(NetworkRule{Host: "api.example.com"})
	if err := maximum.Validate(); err == nil || !strings.Contains(err.Error(), "allows no "+
		"sockets") {
		t.Errorf("maximum with a network: %v", err)
	}
}
