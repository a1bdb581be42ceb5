package access

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// An argument under a name that is the rule's but for case is the rule's, at any depth.
func TestArgumentsInOtherSpellingsAreRefused(t *testing.T) {
	p, err := newParameters(map[string]any{"properties": map[string]any{
		"NAME":    map[string]any{},
		"name":    map[string]any{"pattern": "^[a-z]+$"},
		"options": map[string]any{"allOf": []any{map[string]any{"properties": map[string]any{"depth": map[string]any{"maximum": 3}}}}},
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

func TestPathsAreFollowedToWhereTheyLead(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"work/notes/sub", "etc"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"work/notes/out": "/etc", "work/notes/up": "../..", "work/notes/in": "sub", "work/notes/abs": "/work/notes/sub"} {
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
		"notes: today.md":                        true,
		"file:///work/a":                         true,
		"FILE:///etc/passwd":                     false, // schemes have no case
		"http://localhost/":                      false,
		" /etc/passwd":                           false, // to a server that trims
		"\n~/x":                                  false,
		" file:///etc/passwd":                    false,
		"file:///work/a?/../../etc/passwd":       false, // to a server that only takes "file://" off
		"file:///work/a#/../../etc/passwd":       false,
		`file:///work/notes\..\..\..\etc\passwd`: false, // to WHATWG's URL a backslash is a slash
	} {
		if err := checkPath(p, []string{"/work"}, srv); (err == nil) != ok {
			t.Errorf("%q: %v", p, err)
		}
	}
	if err := checkPaths([]any{"/work/notes/a", "/etc/passwd"}, []string{"/work/notes"}, srv); err == nil {
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
