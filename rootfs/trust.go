package rootfs

import (
	"os"

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

// trust adds the authority to those of the host, or of the rootfs folder: in a file of its own, and
// over the files that are there.
func (b *builder) trust() {
	if b.Authority == nil {
		return
	}
	var all []byte
	for _, path := range bundles {
		st, err := os.Lstat(b.Filesystem.Rootfs + path)
		if err != nil || !st.Mode().IsRegular() { // a link leads to another one of them
			continue
		}
		if all == nil {
			all, _ = os.ReadFile(b.Filesystem.Rootfs + path) // what can't be read is not trusted
		}
		target := initproto.Root + path
		b.op(Op{Source: initproto.Root + Bundle, Target: target,
			Flags: unix.MS_BIND, Optional: true})
		b.op(Op{Target: target, Optional: true,
			Flags: unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY | plainData})
	}
	b.file(Bundle, 0o444, append(append(all, '\n'), b.Authority...))
	b.plan.Access = append(b.plan.Access, Access{Path: Bundle, Right: Read, File: true})
}
