package egress

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/internal/testnet"
)

// Programs see a plain network: none of these is told of a proxy.
func TestRealProgramsReachTheirHost(t *testing.T) {
	w := newWorld(t)
	get := "https://" + api + "/"
	for program, command := range map[string][]string{
		"curl": {"curl", "-sS", "--http2", get},
		"python3": {"python3", "-c", "import urllib.request as u; print(u.urlopen('" + get +
			"').read())"},
		"node": {"node", "-e", "fetch('" + get +
			"').then(r => r.text()).then(t => console.log(t))"},
		"perl": {"perl", "-MIO::Socket", "-e", "$s = IO::Socket::INET->new('" + api +
			":80') or die $@; print $s \"GET / HTTP/1.0\\r\\n\\r\\n\"; print <$s>"},
		"bash": {"bash", "-c", "exec 3<>/dev/tcp/" + api +
			"/80; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"},
	} {
		if program != "bash" && testhost.Check(program) != nil {
			t.Logf("%s is not on this host", program)
			continue
		}
		r := w.mcpbox(append([]string{"--memory", "2GiB", "--env",
			"NODE_EXTRA_CA_CERTS=/data/ca.pem", "--allow-net", api, "--"}, command...)...)
		if !strings.Contains(r.stdout, "this is api") || len(r.result.Events) > 0 {
			t.Errorf("%s: %s%s", program, r.stdout, r.stderr)
		}
	}
}

func TestIPv6(t *testing.T) {
	w := newWorld(t)
	w.Names.Set(api, testnet.Public6) // nothing else: a host that has IPv6 only
	serve(w.Listen("["+testnet.Public6+"]:7000"), echo)
	talk := func(host string) []string {
		return []string{"python3", "-c", "import socket; s = socket.create_connection(('" + host +
			"', 7000), 20); s.send(b'by v6'); print('it came', s.recv(9).decode())"}
	}
	if r := w.mcpbox(append([]string{"--allow-net", api + ":7000", "--"},
		talk(api)...)...); !strings.Contains(r.stdout, "it came by v6") {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	if r := w.mcpbox(append([]string{"--allow-net", "[" + testnet.Public6 + "]:7000", "--"},
		talk(testnet.Public6)...)...); !strings.Contains(r.stdout, "it came by v6") {
		t.Errorf("an address: %s%s", r.stdout, r.stderr)
	}
	w.attack("it came by v6", "egress:address", []string{"--allow-net", "other.example.test:7000"},
		talk(testnet.Public6)...)
}

func TestGitClones(t *testing.T) {
	testhost.Need(t, "git")
	w := newWorld(t)
	repository(t, w.dir)
	w.files(api, testnet.Public+":8443", os.DirFS(w.dir))
	r := w.mcpbox("--env", "GIT_SSL_CAINFO=/data/ca.pem", "--allow-net", api+":8443", "--", "sh",
		"-c", "git clone -q https://"+api+":8443/x.git /tmp/x && git -C /tmp/x log --oneline")
	if !strings.Contains(r.stdout, "first") || len(r.result.Events) > 0 {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
}

// The registry that npm is set up for on this machine, over its real network.
func TestNpmInstallsFromItsRegistry(t *testing.T) {
	testhost.Need(t, "sandbox", "npm", "registry")
	out, err := exec.Command("npm", "config", "get", "registry").Output()
	if err != nil {
		t.Fatal(err)
	}
	registry := strings.TrimSpace(string(out))
	_, rest, ok := strings.Cut(registry, "://")
	host, _, _ := strings.Cut(rest, "/")
	if !ok || host == "" {
		t.Fatalf("registry %q", registry)
	}
	flags := []string{"--memory", "2GiB", "--disk", "1GiB", "--pids", "256", "--file-size",
		"512MiB", "--env", "npm_config_registry=" + registry}
	if ca := os.Getenv("NODE_EXTRA_CA_CERTS"); ca != "" {
		flags = append(flags, "--mount", ca+":/ca.pem", "--env", "NODE_EXTRA_CA_CERTS=/ca.pem")
	}
	addrs, err := exec.Command("getent", "ahosts", strings.Split(host, ":")[0]).Output()
	if err != nil {
		t.Fatal(err)
	}
	allow := []string{"--allow-net", host}
	if f := strings.Fields(string(addrs)); len(f) > 0 &&
		private(f[0]) { // a mirror in the local network
		allow = append(allow, "--allow-net", f[0])
	}
	install := []string{"--", "sh", "-c",
		"cd /tmp && npm install --no-audit --no-fund --loglevel error is-number@7.0.0 && ls " +
			"node_modules"}
	r := runHere(t, append(append(flags, allow...), install...)...)
	if !strings.Contains(r, "is-number") {
		t.Error(r)
	}
	r = runHere(t, append(append(flags, "--timeout", "60s", "--allow-net", "other.example.test",
		"--env", "npm_config_fetch_retries=0"), install...)...)
	if !strings.Contains(r, "is not in network.allow") {
		t.Errorf("without it: %s", r)
	}
}
