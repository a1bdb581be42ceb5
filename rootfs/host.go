package rootfs

import (
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// The part of the host's /etc that ordinary programs read at start. Nothing here
// holds secrets: keys, users and machine identity are left out.
var (
	etcFolders = []string{"alternatives", "ssl/certs", "pki/tls/certs", "pki/ca-trust/extracted", "ca-certificates/extracted",
		"fonts", "perl", "python3", "terminfo", "crypto-policies"}
	etcGlobs = []string{"python3.*", "java-*", "lua*"}
	etcFiles = []string{"ld.so.cache", "ld.so.conf", "localtime", "timezone", "locale.alias", "locale.conf", "mime.types", "services",
		"protocols", "rpc", "ethertypes", "os-release", "debian_version", "ssl/openssl.cnf", "inputrc", "bash.bashrc", "gai.conf", "magic"}
	topFolders = []string{"bin", "sbin", "lib", "lib64", "lib32", "libx32"}
)

// maxCopy bounds a top-level file of a rootfs folder; a larger one is left out.
const maxCopy = 64 << 10

// host binds the host's /usr and the needed part of /etc.
func (b *builder) host() error {
	b.bindSystem("/usr", "/usr")
	for _, name := range topFolders {
		b.topEntry("/"+name, "/"+name)
	}
	// One mount of libcontainer's instead of one a folder: cells bind the folders from it, at a system call each.
	b.mount(Mount{Source: "/etc", Target: "/etc", Type: "bind", ReadOnly: true, Outer: true})
	b.dir("/etc", 0o755)
	b.grant("/etc", Read)
	for _, name := range append(etcMatches(), etcFolders...) {
		path := "/etc/" + name
		if st, err := os.Stat(path); err == nil && st.IsDir() {
			b.dir(path, 0o755)
			b.bindOuter(path)
		}
	}
	for _, name := range etcFiles {
		b.etcFile("/etc/" + name)
	}
	return nil
}

// etcMatches are the names in /etc that etcGlobs stand for.
func etcMatches() (out []string) {
	entries, _ := os.ReadDir("/etc") // without it, there is nothing to show
	for _, e := range entries {
		if slices.ContainsFunc(etcGlobs, func(g string) bool { ok, _ := filepath.Match(g, e.Name()); return ok }) {
			out = append(out, e.Name())
		}
	}
	return out
}

// etcFile shows one file: a link into /usr as the same link, anything else bound.
func (b *builder) etcFile(path string) {
	st, err := os.Lstat(path)
	if err != nil {
		return
	}
	b.dir(filepath.Dir(path), 0o755)
	if st.Mode()&os.ModeSymlink != 0 {
		to, err := os.Readlink(path)
		if real, e := filepath.EvalSymlinks(path); err == nil && e == nil {
			if _, ok := below(real, "/usr"); ok {
				b.link(path, to)
			}
		}
		return
	}
	if st.Mode().IsRegular() {
		b.file(path, 0o644, nil)
		b.bindOuter(path)
	}
}

// topEntry repeats a top-level entry: a link as the same link (merged /usr), a folder as a bind mount.
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

// bindOuter shows a path of an outer mount at the same place in the tool's root; its mount flags come along.
func (b *builder) bindOuter(path string) {
	b.ops = append(b.ops, initproto.MountOp{Source: path, Target: initproto.Root + path, Flags: unix.MS_BIND | unix.MS_REC})
}

func (b *builder) bindSystem(source, target string) {
	b.mount(Mount{Source: source, Target: target, Type: "bind", ReadOnly: true})
	b.grant(target, Read)
}
