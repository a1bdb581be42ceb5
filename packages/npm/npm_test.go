package npm

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/packages/registry"
)

func write(t *testing.T, file, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheConfigurationNamesTheRegistries(t *testing.T) {
	dir := t.TempDir()
	env := map[string]string{"TOKEN": "s3cret",
		"npm_config_globalconfig": filepath.Join(dir, "none"),
		"npm_config_userconfig": write(t, filepath.Join(dir, "npmrc"), `; a comment
registry = "https://npm.example.test/"
@acme:registry=https://acme.example.test:8443/npm/
//acme.example.test:8443/npm/:_authToken=${TOKEN}
//elsewhere.example.test/:_authToken=other
strict-ssl=false
`)}
	c, err := ReadConfig(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	want := `@acme:registry=https://acme.example.test:8443/npm/
//acme.example.test:8443/npm/:_authToken=${MCPBOX_REGISTRY_1}
registry=https://npm.example.test/
`
	if c.File != want {
		t.Errorf("npmrc:\n%s", c.File)
	}
	if len(c.Credentials) != 1 || c.Credentials[0] != (registry.Credential{
		Host: "acme.example.test:8443", Header: "Bearer", Value: "s3cret"}) {
		t.Errorf("credentials: %+v", c.Credentials)
	}
	var hosts []string
	for _, h := range c.Hosts {
		hosts = append(hosts, h.Host)
		if len(h.Ports) != 1 || h.Ports[0] != 443 && h.Ports[0] != 8443 {
			t.Errorf("%+v", h)
		}
	}
	slices.Sort(hosts)
	if strings.Join(hosts, " ") != "acme.example.test npm.example.test" {
		t.Errorf("hosts: %v", hosts)
	}
	env["npm_config_registry"] = "file:///etc"
	if _, err := ReadConfig(func(name string) string { return env[name] }); err == nil {
		t.Error("file: is taken for a registry")
	}
}

func TestTheProgramIsTheOneThatNPXPicks(t *testing.T) {
	for _, c := range []struct{ bin, program, want string }{
		{`"x.js"`, "", "x.js"},
		{`{"other": "x.js"}`, "", "x.js"},
		{`{"a": "x.js", "b": "x.js"}`, "", "x.js"},
		{`{"notes": "x.js", "b": "y.js"}`, "", "x.js"},
		{`{"a": "x.js", "b": "y.js"}`, "b", "y.js"},
		{`{"a": "x.js", "b": "y.js"}`, "", ""},
		{`{"a": "x.js"}`, "b", ""},
		{`{}`, "", ""},
		{`"../../../etc/passwd"`, "", ""},
		{`"missing.js"`, "", ""},
	} {
		tree := t.TempDir()
		folder := filepath.Join(tree, "node_modules", "@acme", "notes")
		write(t, filepath.Join(folder, "x.js"), "")
		write(t, filepath.Join(folder, "y.js"), "")
		write(t, filepath.Join(folder, "package.json"), `{"bin": `+c.bin+`}`)
		got, err := Program(tree, "@acme/notes", c.program)
		if (err == nil) != (c.want != "") || err == nil && filepath.Base(got) != c.want {
			t.Errorf("%s %q: %s, %v", c.bin, c.program, got, err)
		}
	}
}
