package main

import (
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

func TestMountFlagIsSourceTargetMode(t *testing.T) {
	for text, want := range map[string]policies.Mount{
		"./data:/opt/data":    {Source: "./data", Target: "/opt/data", Mode: policies.ReadOnly},
		"/a":                  {Source: "/a", Target: "/a", Mode: policies.ReadOnly},
		"/a:rw":               {Source: "/a", Target: "/a", Mode: policies.ReadWrite},
		"/a:/b:ro":            {Source: "/a", Target: "/b", Mode: policies.ReadOnly},
		"/a:/b:rw":            {Source: "/a", Target: "/b", Mode: policies.ReadWrite},
		"/with space:/b c:rw": {Source: "/with space", Target: "/b c", Mode: policies.ReadWrite},
	} {
		if got, err := parseMount(text); err != nil || got != want {
			t.Errorf("--mount %q is %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", ":", "/a:", ":/b", "/a:wr", "/a:/b:wr",
		"/a:/b:rw:ro", "/a:/b:"} {
		if got, err := parseMount(text); err == nil || hint.Of(err) == "" {
			t.Errorf("--mount %q is %+v, error %v, hint %q", text, got, err, hint.Of(err))
		}
	}
}

// FuzzMountFlag: what is accepted says the same when it is written out again, and is never writable
// unless it says so.
func FuzzMountFlag(f *testing.F) {
	for _, s := range []string{"./data:/opt/data", "/a:/b:ro", "/a:/b:rw", "/a", "::", ":ro",
		"/a:rw", "/a:/b:c", "\x00:\n", "a:b:ro:rw"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseMount(text)
		if err != nil {
			if hint.Of(err) == "" {
				t.Errorf("--mount %q: no remedy with %v", text, err)
			}
			return
		}
		if m.Source == "" || m.Target == "" || strings.Contains(m.Target, ":") {
			t.Errorf("--mount %q is %+v", text, m)
		}
		if m.Mode == policies.ReadWrite && !strings.HasSuffix(text, ":rw") {
			t.Errorf("--mount %q is writable", text)
		}
		again, err := parseMount(m.Source + ":" + m.Target + ":" + string(m.Mode))
		if err != nil || again != m {
			t.Errorf("--mount %q is %+v, and written out %+v (%v)", text, m, again, err)
		}
	})
}
