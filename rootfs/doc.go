// Package rootfs plans the tool's root: an empty tmpfs with only what the
// policy names bound in, read-only; a private /tmp, home and /work; a /dev of
// six nodes; a fresh /proc, masked. It is pure: Build reads the host's folders
// and decides, it mounts nothing.
//
//	plan, err := rootfs.Build(rootfs.Config{Filesystem: policy.Filesystem, Disk: 256 << 20})
//	plan.Mounts   // for libcontainer, in order
//	plan.Setup    // folders, files and links, made by mcpbox-init
//	plan.Cell     // mounts inside each tool's own mount namespace
//
// Nothing here protects a folder that the caller binds writable: what the tool
// does in it is done. Submounts of a bound folder are bound with it.
//
// Linux ≥ 5.12 (mount_setattr(2) for recursive read-only; idmapped mounts as root).
package rootfs
