package access

import (
	"encoding/json"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/policies"
)

// An argument whose name differs from a ruled one only by case is refused, at any depth.
func TestArgumentsInOtherSpellingsAreRefused(t *testing.T) {
	p, err := newParameters(map[string]any{"properties": map[string]any{
		"NAME": map[string]any{},
		"name": map[string]any{"pattern": "^[a-z]+$"},
		"options": map[string]any{
			"allOf": []any{
				map[string]any{"properties": map[string]any{"depth": map[string]any{"maximum": 3}}},
			},
		},
	}}, map[string][]string{"path": {"/work"}})
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]bool{
		`{"name":"a","NAME":"b","options":{"depth":2},"other":{"x":1}}`: true,
		`{"Name":"../etc"}`:            false,
		`{"PATH":"/etc/passwd"}`:       false,
		`{"options":{"DEPTH":9}}`:      false,
		`{"OPTIONS":{"depth":9}}`:      false,
		`{"options":[{"Depth":9}]}`:    false,
		`{"option\u017f":{"depth":9}}`: false, // ſ is an s to encoding/json
	} {
		var a map[string]any
		if err := json.Unmarshal([]byte(args), &a); err != nil {
			t.Fatal(err)
		}
		if _, err := p.check(a, hostFiles{"/"}); (err == nil) != want {
			t.Errorf("%s: %v", args, err)
		}
	}
}

func TestPathsAreResolvedBeforeTheyAreChecked(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"work/notes/sub", "etc"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"work/notes/out": "/etc", "work/notes/up": "../..",
		"work/notes/in": "sub", "work/notes/abs": "/work/notes/sub"} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	srv := hostFiles{root}
	for p, ok := range map[string]bool{
		"/work/notes":                          true,
		"/work/notes/new/file":                 true,
		"notes/sub/../a":                       true,
		"/work/notes/in/a":                     true,
		"/work/notes/abs":                      true,
		"file:///work/notes/a%20b":             true,
		"/work/notes/out/passwd":               false,
		"/work/notes/up/etc":                   false,
		"/work/notes/../x":                     false,
		"/work/notesandmore":                   false,
		"/work/notes/in/../../x":               false,
		"file:///etc/passwd":                   false,
		"file://host/work/notes":               false,
		"file:///work/notes/%2e%2e/%2e%2e/etc": false,
		"~/x":                                  false,
		"/work/notes/a\x00b":                   false,
		"":                                     false,
	} {
		if err := checkPath(p, []string{"/work/notes"}, srv); (err == nil) != ok {
			t.Errorf("%q: %v", p, err)
		}
	}
	for p, ok := range map[string]bool{
		"notes: today.md":     true,
		"file:///work/a":      true,
		"FILE:///etc/passwd":  false, // schemes have no case
		"http://localhost/":   false,
		" /etc/passwd":        false, // for a server that trims paths
		"\n~/x":               false,
		" file:///etc/passwd": false,
		// for a server that only removes "file://"
		"file:///work/a?/../../etc/passwd":       false,
		"file:///work/a#/../../etc/passwd":       false,
		`file:///work/notes\..\..\..\etc\passwd`: false, // to WHATWG's URL a backslash is a slash
	} {
		if err := checkPath(p, []string{"/work"}, srv); (err == nil) != ok {
			t.Errorf("%q: %v", p, err)
		}
	}
	if err := checkPaths([]any{"/work/notes/a", "/etc/passwd"}, []string{"/work/notes"},
		srv); err == nil {
		t.Error("a list with one path outside is let through")
	}
	if err := checkPaths(5.0, []string{"/work/notes"}, srv); err == nil {
		t.Error("a number is taken for a path")
	}
}

// hostFiles is the file system of a server: a folder on the host.
type hostFiles struct{ root string }

func (h hostFiles) Root() string { return h.root }
func (h hostFiles) Dir() string  { return "/work" }

// Some servers change a path before they open it, so the checked path is not the opened one.
// serverOpens does to the path what such a server does. As written, each path lies in the folder.
func TestPathsThatServersReadDifferentlyAreRefused(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"work/pub", "work/priv"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	srv := inPub{hostFiles{root}}
	environment := func(name string) string {
		return map[string]string{"W": "/work",
			"HOME": "/root"}[name]
	}
	for p, serverOpens := range map[string]func(string) string{
		"\ufeff/work/priv/x":   strings.TrimSpace, // JavaScript's trim takes U+FEFF away
		"\u001c/work/priv/x":   strings.TrimSpace, // Python's strip takes U+001C away
		"\u200b/work/priv/x":   strings.TrimSpace, // an invisible character
		"x/../../priv/x\u00a0": strings.TrimSpace,
		// some servers remove quotes
		`"/work/priv/x"`:      func(p string) string { return strings.Trim(p, `"`) },
		`..\priv\x`:           func(p string) string { return strings.ReplaceAll(p, `\`, "/") },
		"\uff0e\uff0e/priv/x": norm.NFKC.String,
		".\u200b./priv/x": func(p string) string {
			return strings.ReplaceAll(p, "\u200b", "")
		},
		"{.,..}/priv/x": func(p string) string {
			return strings.Replace(p, "{.,..}", "..", 1)
		},
		"a\n/work/priv/x": func(p string) string { return strings.Split(p, "\n")[1] },
		"$W/priv/x":       func(p string) string { return os.Expand(p, environment) },
		"${W}/priv/x":     func(p string) string { return os.Expand(p, environment) },
		"%W%/priv/x": func(p string) string {
			return strings.ReplaceAll(p, "%W%",
				"/work")
		},
		"%2e%2e/priv/x": func(p string) string { u, _ := url.PathUnescape(p); return u },
		"file:///work/pub/%252e%252e/priv/x": func(p string) string {
			u, _ := url.PathUnescape(p)
			u, _ = url.PathUnescape(u)
			return strings.TrimPrefix(u, "file://")
		},
	} {
		trim := func(s string) string { return strings.TrimFunc(s, wire.IsBlank) }
		opened := trim(serverOpens(p))
		if !path.IsAbs(opened) {
			opened = path.Join(srv.Dir(), opened)
		}
		if real := path.Clean(opened); !strings.HasPrefix(real, "/work/priv/") {
			t.Fatalf("%q: no attack: the server opens %q", p, real)
		}
		if err := checkPath(p, []string{"/work/pub"}, srv); err == nil {
			t.Errorf("%q is let through", p)
		}
		if err := checkPath(p, []string{"/work/pub"}, nil); err == nil {
			t.Errorf("%q is let through where no files are at hand", p)
		}
	}
	for _, p := range []string{"a b.txt", "100%.md", "50% off", "été.txt", "a~", "it's.txt",
		"{a}.txt", "v1..v2", "👨‍👩‍👧.png", "/work/pub/x",
		"file:///work/pub/a%20b"} {
		if err := checkPath(p, []string{"/work/pub"}, srv); err != nil {
			t.Errorf("an ordinary path: %v", err)
		}
	}
}

// inPub is a server whose working directory is a folder that it may read.
type inPub struct{ hostFiles }

func (inPub) Dir() string { return "/work/pub" }

// An argument is refused if a server could take its name for a ruled one.
func TestArgumentsWithNamesLikeRuledOnesAreRefused(t *testing.T) {
	s := Compile(
		&policies.MCP{Paths: map[string]map[string][]string{"read": {"name": {"/work/pub"}}}}, nil)
	for _, key := range []string{"name\\u0000", " name", "name\\t", "\\ufeffname", "NAME",
		"name\\u0000x", "\\u200bname"} {
		raw := []byte(`{"name": "/work/pub/a", "` + key + `": "/etc/passwd"}`)
		var careless map[string]any
		if err := json.Unmarshal(raw, &careless); err != nil || len(careless) != 2 {
			t.Fatalf("%s: no attack: %v", raw, err)
		}
		if v := s.CheckArguments(tool("notes", "read"), NewArguments(raw), nil); v.Allowed {
			t.Errorf("%s is let through", raw)
		}
	}
	if v := s.CheckArguments(tool("notes", "read"),
		NewArguments([]byte(`{"name":"/work/pub/a","names":1}`)), nil); !v.Allowed {
		t.Errorf("another argument: %s", v.Reason)
	}
}
