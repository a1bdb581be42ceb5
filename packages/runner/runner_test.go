package runner

import (
	"reflect"
	"strings"
	"testing"
)

func TestCommandLinesOfEveryRunner(t *testing.T) {
	for command, want := range map[string]Request{
		"npx -y @acme/notes@1.2 --root /work": {NPM, "@acme/notes", "1.2", "",
			[]string{"--root", "/work"}},
		"/usr/bin/npx notes":           {NPM, "notes", "", "", []string{}},
		"npx --yes notes@latest a":     {NPM, "notes", "", "", []string{"a"}},
		"npx -y -- notes -- a":         {NPM, "notes", "", "", []string{"--", "a"}},
		"npx -p @acme/notes@^1 serve":  {NPM, "@acme/notes", "^1", "serve", []string{}},
		"npx --package=notes serve -v": {NPM, "notes", "", "serve", []string{"-v"}},
		"npm exec notes a":             {NPM, "notes", "", "", []string{"a"}},
		"npm exec -y -- notes@1 -v":    {NPM, "notes", "1", "", []string{"-v"}},
		"npm exec -y notes@1 -- -v":    {NPM, "notes", "1", "", []string{"-v"}},
		"pnpm dlx notes":               {NPM, "notes", "", "", []string{}},
		"pnpx notes":                   {NPM, "notes", "", "", []string{}},
		"yarn dlx notes":               {NPM, "notes", "", "", []string{}},
		"bunx notes":                   {NPM, "notes", "", "", []string{}},
		"uvx mcp-server-git --repository /work": {PyPI, "mcp-server-git", "", "",
			[]string{"--repository", "/work"}},
		"uvx mcp-server-git@0.6.2":       {PyPI, "mcp-server-git", "0.6.2", "", []string{}},
		"uvx --from notes==1.2 serve":    {PyPI, "notes", "==1.2", "serve", []string{}},
		"uv tool run notes":              {PyPI, "notes", "", "", []string{}},
		"pipx run notes a":               {PyPI, "notes", "", "", []string{"a"}},
		"pipx run --spec notes>=1 serve": {PyPI, "notes", ">=1", "serve", []string{}},
	} {
		got, ok := Parse(strings.Fields(command))
		if !ok || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: %+v, %v", command, got, ok)
		}
	}
}

// What may run something else than one package of a registry is left alone.
func TestWhatIsNotUnderstoodIsNotParsed(t *testing.T) {
	for _, command := range []string{
		"node notes", "npm install notes", "pipx install notes", "uv run notes",
		"npx", "npx -y", "npx --", "npx -c evil notes", "npx -p a -p b serve",
		"npx --registry=http://evil notes", "npx ./notes", "npx ../notes", "npx /tmp/notes",
		"npx github:acme/notes", "npx acme/notes", "npx https://evil.example/x.tgz",
		"npx git+ssh://evil/x", "npx notes@file:/tmp/x", "npx notes@npm:evil", "npx notes@",
		"npx notes@https://evil", "npx -p notes ../../bin/sh", "npx NOTES", "npx .hidden",
		"npm exec notes -v", "npm exec --call evil", "uvx --python 3.9 notes",
		"uvx git+https://evil/x", "uvx --index-url http://evil notes", "uvx --with evil notes",
	} {
		if got, ok := Parse(strings.Fields(command)); ok {
			t.Errorf("%s: %+v", command, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("npx\x00-y\x00@acme/notes@1")
	f.Fuzz(func(t *testing.T, line string) {
		r, ok := Parse(strings.Split(line, "\x00"))
		if ok && (strings.HasPrefix(r.Name, "-") || strings.Contains(r.Name, "..") &&
			strings.Contains(r.Name, "/../") || strings.ContainsAny(r.Range, "/:@")) {
			t.Errorf("%q: %+v", line, r)
		}
	})
}
