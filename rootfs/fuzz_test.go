package rootfs

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/policies"
)

// FuzzMountTarget: for any target, next to a bound folder full of links, an accepted plan mounts
// exactly there, and not over the sandbox's own places.
func FuzzMountTarget(f *testing.F) {
	for _, t := range []string{"/work", "/data/inner", "/data/out/there", "/data/up",
		"/data/./inner", "/..", "/proc/self", "/dev", "//", "", "a", "/data/\x00", "/opt/\n",
		"/.mcpbox", "/home/user/x", "/usr/bin", "/data/file"} {
		f.Add(t, "/data/inner")
	}
	outside := tree(f, "there/")
	root := tree(f, "usr/bin/", "etc/")
	data := tree(f, "inner/deep/", "out -> "+outside, "up -> ../..", "loop -> loop", "file")
	source := tree(f, "x")
	f.Fuzz(func(t *testing.T, target, hidden string) {
		p, err := Build(Config{Filesystem: policies.Filesystem{
			Rootfs: root, Hidden: []string{hidden},
			Mounts: []policies.Mount{{Source: data, Target: "/data"},
				{Source: source, Target: target}},
		}})
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Error("an error without words")
			}
			return
		}
		if !filepath.IsAbs(target) || filepath.Clean(target) != target || target == "/" {
			t.Errorf("target %q was accepted", target)
		}
		for _, own := range []string{"/proc", "/sys", "/dev", "/.mcpbox"} {
			if _, in := below(target, own); in {
				t.Errorf("target %q was accepted", target)
			}
		}
		m, _, ok := p.covering(target)
		if !ok || m.Target != target || m.Source != source {
			t.Errorf("%q is covered by %+v", target, m)
		}
		if rest, in := below(target, "/data"); in && rest != "" && rest != "/inner" &&
			rest != "/inner/deep" {
			t.Errorf("a mount point %q inside the bound folder was accepted", target)
		}
	})
}
