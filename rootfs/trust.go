package rootfs

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// Bundle is where programs find the certificate authorities, if Config.Authority adds one to the
// host's.
const Bundle = "/.ca-certificates.crt"

// bundles are the files that TLS libraries read on Debian, Alpine and Arch; on Red Hat's systems;
// on SUSE's; and by OpenSSL's own default.
var bundles = [...]string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ca-certificates/extracted/tls-ca-bundle.pem",
	"/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
}

// trust adds the authority to those of the host, or of the rootfs folder: in files of its own, and
// over the files that are there.
func (b *builder) trust() {
	if b.Authority == nil {
		return
	}
	var all []byte
	for _, path := range bundles {
		if !b.regular(path) {
			continue
		}
		if all == nil {
			all, _ = os.ReadFile(b.Filesystem.Rootfs + path) // what can't be read is not trusted
		}
		b.cover(path, Bundle)
	}
	for _, pattern := range javaStores {
		found, _ := filepath.Glob(b.Filesystem.Rootfs + pattern) // the patterns are valid
		for _, path := range found {
			if path = strings.TrimPrefix(path, b.Filesystem.Rootfs); b.regular(path) {
				b.cover(path, JavaStore)
			}
		}
	}
	all = append(append(all, '\n'), b.Authority...)
	for _, f := range []File{{Path: Bundle, Data: all}, {Path: JavaStore, Data: javaStore(all)}} {
		b.file(f.Path, 0o444, f.Data)
		b.plan.Access = append(b.plan.Access, Access{Path: f.Path, Right: Read, File: true})
	}
}

// regular reports whether a path is a file, and not a link, which leads to another one of them.
func (b *builder) regular(path string) bool {
	st, err := os.Lstat(b.Filesystem.Rootfs + path)
	return err == nil && st.Mode().IsRegular()
}

// cover binds a file of the sandbox's own over a path.
func (b *builder) cover(path, with string) {
	target := initproto.Root + path
	b.op(Op{Source: initproto.Root + with, Target: target,
		Flags: unix.MS_BIND, Optional: true})
	b.op(Op{Target: target, Optional: true,
		Flags: unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY | plainData})
}
