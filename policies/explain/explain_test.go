package explain_test

import (
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/policies/explain"
)

func TestExplainAnswersWhatPeopleAsk(t *testing.T) {
	for name, want := range map[string][]string{
		"none": {"the tool runs bare"},
		"basic": {"shares the host's network", "can: start other programs", "cannot: debug " +
			"other processes", "nothing is required"},
		"standard": {"can open sockets: local (Unix), IPv4, IPv6", "cannot reach any network",
			"memory: 512MiB", "can: start other programs", "      types into the caller's " +
				"terminal"},
		"strict": {"cannot: start other programs, create child processes", "cannot open " +
			"sockets: IPv4, IPv6", "timeout of mcpbox code: 10s"},
		"maximum": {"cannot open any socket", "an attempt kills the sandbox", "openat: only " +
			"for: opens for reading"},
	} {
		p, _ := policies.Preset(name)
		text := explain.Policy(p)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %q is missing in\n%s", name, w, text)
			}
		}
	}
}

func parse(t testing.TB, text string) *policies.Policy {
	t.Helper()
	p, err := policies.Parse([]byte(text), "p.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestExplainsANetworkByName(t *testing.T) {
	text := explain.Policy(parse(t, `
extends: standard
network:
  mode: allow
  allow: [API.example.com., "*.npmjs.org", {host: Many.example.com, ports: [443, 8443]},
    {host: read.example.com, methods: [GET, HEAD]}]
  deny: [evil.npmjs.org]
  limits: {connections: 8, bytes: 1MiB}
secrets: [{name: KEY, hosts: [api.example.com], header: X-Key, query: key}]
`))
	for _, say := range []string{
		"can reach api.example.com by TCP, at 443, 80", "every name below npmjs.org", "at 443, " +
			"8443",
		"cannot reach evil.npmjs.org", "8 connections at a time, 1MiB in all",
		"cannot reach anything else", "with the methods GET, HEAD: mcpbox reads these requests",
		"puts the secret into the header X-Key or into the parameter key, at api.example.com",
	} {
		if !strings.Contains(text, say) {
			t.Errorf("explain does not say %q:\n%s", say, text)
		}
	}
	strict, _ := policies.Preset("strict")
	strict.AllowNetwork(policies.NetworkRule{Host: "api.example.com"})
	text = explain.Policy(strict)
	if !strings.Contains(text, "can open sockets: local (Unix), IPv4, IPv6") ||
		!strings.Contains(text, "network: TCP") {
		t.Error(text)
	}
}

func TestExplainsLimitsAsTheFileHasThem(t *testing.T) {
	text := explain.Policy(parse(t, `
extends: standard
limits: {memory: 1GiB, cpus: 0.5, io: [{device: /dev/sda, read_bps: 1MiB}], io_weight: 50}
`))
	for _, say := range []string{
		"memory: 1GiB", "cpus: 0.5", "io: [{device: /dev/sda, read_bps: 1MiB}]", "io weight: 50",
	} {
		if !strings.Contains(text, say) {
			t.Errorf("explain does not say %q:\n%s", say, text)
		}
	}
}

// No valid policy makes it panic.
func FuzzPolicy(f *testing.F) {
	for _, name := range policies.PresetNames() {
		source, _ := policies.PresetSource(name)
		f.Add(string(source))
	}
	f.Fuzz(func(_ *testing.T, text string) {
		if p, err := policies.Parse([]byte(text), "fuzz.yaml"); err == nil {
			_ = explain.Policy(p)
		}
	})
}
