package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/mcpbox/mcpbox/policies"
)

// app makes a folder with a script of an npm package. It returns a policy that mounts the folder at
// /opt/app.
func app(t *testing.T) (*policies.Policy, string) {
	t.Helper()
	dir := t.TempDir()
	script := []byte("console.log(1)\n")
	if err := errors.Join(
		os.Mkdir(filepath.Join(dir, "dist"), 0o755),
		os.WriteFile(filepath.Join(dir, "dist", "index.js"), script, 0o644),
		os.WriteFile(filepath.Join(dir, "package.json"),
			[]byte(`{"name":"@acme/notes","version":"1.4.2"}`), 0o644),
	); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(script)
	return &policies.Policy{Filesystem: policies.Filesystem{Mounts: []policies.Mount{{Source: dir,
		Target: "/opt/app"}}}}, hex.EncodeToString(sum[:])
}

func TestServerRulesApplyToCommandDigestAndPackage(t *testing.T) {
	policy, sum := app(t)
	command := []string{"node", "--enable-source-maps", "/opt/app/dist/index.js", "stdio"}
	for _, c := range []struct {
		what  string
		rules policies.MCPServer
		ok    bool
	}{
		{"no rule", policies.MCPServer{}, true},
		{"its command", policies.MCPServer{Allow: []string{"node * /opt/app/*"}}, true},
		{"another command", policies.MCPServer{Allow: []string{"python3 *"}}, false},
		{"denied", policies.MCPServer{Allow: []string{"*"}, Deny: []string{"*stdio"}}, false},
		{"its digest", policies.MCPServer{Allow: []string{"sha256:" + sum}}, true},
		{"another digest", policies.MCPServer{Allow: []string{"sha256:0000"}}, false},
		{"its digest, denied", policies.MCPServer{Deny: []string{"sha256:" + sum}}, false},
		{"its package", policies.MCPServer{Packages: map[string]string{"@acme/notes": "^1.4"}},
			true},
		{"its package, too old",
			policies.MCPServer{Packages: map[string]string{"@acme/notes": ">=2"}}, false},
		{"another package", policies.MCPServer{Packages: map[string]string{"@acme/other": "*"}},
			false},
	} {
		policy.MCP.Server = c.rules
		if err := Check(policy, command, command, nil); (err == nil) != c.ok || err != nil &&
			!errors.Is(err, ErrRefused) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	// A digest of the file says nothing about a command line that runs other code.
	for _, words := range [][]string{
		{"node", "-e", "evil", "/opt/app/dist/index.js"},
		{"node", "--require", "/opt/app/package.json", "/opt/app/dist/index.js"},
		{"node", "--require=/tmp/evil.js", "/opt/app/dist/index.js"},
		{"node", "evil", "/opt/app/dist/index.js"},
		{"sh", "-c", "evil", "/opt/app/dist/index.js"},
		{"python3", "-m", "evil", "/opt/app/dist/index.js"},
		{"perl", "-I", "/opt/app/dist/index.js", "evil.pl"},
		{"npx", "--package=evil", "@acme/notes@1.4.2"},
		{"npx", "-c", "evil", "@acme/notes@1.4.2"},
	} {
		for _, rules := range []policies.MCPServer{{Allow: []string{"sha256:" + sum}},
			{Packages: map[string]string{"@acme/notes": "^1.4"}}} {
			policy.MCP.Server = rules
			if err := Check(policy, words, words, nil); !errors.Is(err, ErrRefused) {
				t.Errorf("%q, %+v: %v", words, rules, err)
			}
		}
	}
	if got := Name(policy, command); got != "notes" {
		t.Errorf("the server's name is %q", got)
	}
}

func TestThePackageGivenToNPXCounts(t *testing.T) {
	policy := &policies.Policy{}
	policy.MCP.Server.Packages = map[string]string{"@acme/notes": "^1.4"}
	for command, ok := range map[string]bool{"@acme/notes@1.5.0": true, "@acme/notes@2.0.0": false,
		"@acme/notes": false, "@acme/notes@latest": false} {
		if err := Check(policy, []string{"npx", "-y", command}, []string{"npx", "-y",
			command}, nil); (err == nil) != ok {
			t.Errorf("npx -y %s: %v", command, err)
		}
	}
}

// One list has all package runners, including pipx with its subcommand "run".
func TestEveryPackageRunnerIsKnown(t *testing.T) {
	policy := &policies.Policy{}
	policy.MCP.Server.Packages = map[string]string{"notes": "^1.4"}
	for _, command := range [][]string{{"npx", "notes@1.5.0"}, {"pnpx", "notes@1.5.0"},
		{"bunx", "notes@1.5.0"}, {"/usr/bin/uvx", "notes@1.5.0"}, {"pipx", "run", "notes@1.5.0"}} {
		if PackageRunner(command) == "" {
			t.Errorf("%v is no package runner", command)
		}
		if err := Check(policy, command, command, nil); err != nil {
			t.Errorf("%v: %v", command, err)
		}
	}
	for _, command := range [][]string{{"pipx", "install", "notes@1.5.0"},
		{"pipx", "run", "--spec", "evil", "notes@1.5.0"}, {"node", "notes@1.5.0"}} {
		if err := Check(policy, command, command, nil); err == nil {
			t.Errorf("%v may run", command)
		}
	}
}
