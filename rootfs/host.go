package rootfs

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// topFolders look the same inside as on the host: links (merged /usr) or folders.
var topFolders = []string{"bin", "sbin", "lib", "lib64", "lib32", "libx32"}

// maxCopy is the largest size of a top-level file that is copied from a rootfs folder.
const maxCopy = 64 << 10

// host binds the host's /usr and the needed part of /etc.
func (b *builder) host() error {
	b.bindSystem("/usr", "/usr")
	for _, name := range topFolders {
		b.topEntry("/"+name, "/"+name)
	}
	b.etc()
	return nil
}

// topEntry adds a top-level entry: a link as the same link (merged /usr), a folder as a bind mount.
func (b *builder) topEntry(source, target string) {
	st, err := os.Lstat(source)
	switch {
	case err != nil:
	case st.Mode()&os.ModeSymlink != 0:
		if to, err := os.Readlink(source); err == nil {
			b.link(target, to)
		}
	case st.IsDir():
		b.bindSystem(source, target)
	case st.Mode().IsRegular() && st.Size() <= maxCopy:
		if data, err := os.ReadFile(source); err == nil {
			b.file(target, uint32(st.Mode().Perm()), data)
		}
	}
}

// bindOuter binds a path of an outer mount at the same place in the tool's root, with its mount
// flags.
func (b *builder) bindOuter(path string) {
	b.ops = append(b.ops, Op{Source: path, Target: initproto.Root + path,
		Flags: unix.MS_BIND | unix.MS_REC})
}

func (b *builder) bindSystem(source, target string) {
	b.mount(Mount{Source: source, Target: target, Type: "bind", ReadOnly: true})
	b.grant(target, Read)
}
