package rootfs

import (
	"path"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// own makes the policy's folders and the caller's files in the private folders. It makes nothing in
// a folder of the host.
func (b *builder) own() error {
	made := map[string]bool{}
	for _, folder := range b.Filesystem.Folders {
		if m, _, _ := b.plan.covering(folder); m.Type == "tmpfs" {
			b.toolDir(folder, made)
		}
	}
	for _, f := range b.Files {
		m, _, _ := b.plan.covering(f.Path)
		if m.Type != "tmpfs" || path.Clean(f.Path) != f.Path || !private(f.Path) {
			return hint.Errorf(
				"choose a path below "+Work+", where nothing is mounted",
				"file %s can't be made in the sandbox's own storage",
				f.Path,
			)
		}
		b.toolDir(path.Dir(f.Path), made)
		b.plan.Setup.Files = append(b.plan.Setup.Files, f)
	}
	return nil
}

func private(p string) bool {
	return strings.HasPrefix(p, Work+"/") || strings.HasPrefix(p, "/tmp/") ||
		strings.HasPrefix(p, Home+"/")
}

// toolDir makes a folder and those it lies in, each the tool's.
func (b *builder) toolDir(folder string, made map[string]bool) {
	if !private(folder) || made[folder] {
		return
	}
	b.toolDir(path.Dir(folder), made)
	made[folder] = true
	b.plan.Setup.Dirs = append(
		b.plan.Setup.Dirs,
		Dir{Path: folder, Mode: 0o755, Tool: true},
	)
}
