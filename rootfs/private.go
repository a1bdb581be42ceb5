package rootfs

import (
	"path"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// privateFolders plans the policy's folders and the caller's files in the private folders. It
// creates nothing in a folder of the host.
func (b *builder) privateFolders() error {
	dirs, err := b.plan.PrivateFolders(b.Filesystem.Folders, b.Files)
	b.plan.Setup.Dirs = append(b.plan.Setup.Dirs, dirs...)
	b.plan.Setup.Files = append(b.plan.Setup.Files, b.Files...)
	return err
}

// PrivateFolders lists the folders to create in the private folders: those of the policy, and those
// that contain the caller's files. Parents come before their children, and the tool owns all of
// them. Folders in other places are left out. A file in another place is an error.
func (p *Plan) PrivateFolders(folders []string, files []File) (dirs []Dir, err error) {
	made := map[string]bool{}
	var add func(folder string)
	add = func(folder string) {
		if !private(folder) || made[folder] {
			return
		}
		add(path.Dir(folder))
		made[folder] = true
		dirs = append(dirs, Dir{Path: folder, Mode: 0o755, Tool: true})
	}
	for _, folder := range folders {
		if m, _, _ := p.covering(folder); m.Type == "tmpfs" {
			add(folder)
		}
	}
	for _, f := range files {
		m, _, _ := p.covering(f.Path)
		if m.Type != "tmpfs" || path.Clean(f.Path) != f.Path || !private(f.Path) {
			return nil, hint.Errorf("choose a path below "+Work+", where nothing is mounted",
				"file %s can't be made in the sandbox's own storage", f.Path)
		}
		add(path.Dir(f.Path))
	}
	return dirs, nil
}

func private(p string) bool {
	return strings.HasPrefix(p, Work+"/") || strings.HasPrefix(p, "/tmp/") ||
		strings.HasPrefix(p, Home+"/")
}
