// Package rootfs plans the root of a tool: an empty tmpfs with read-only binds of the paths that
// the policy names; a private /tmp, home and /work; a /dev of six nodes; a fresh /proc with masked
// files. It is pure: Build reads the host's folders and decides, but mounts nothing.
//
//	plan, err := rootfs.Build(rootfs.Config{Filesystem: policy.Filesystem, Disk: 256 << 20})
//	plan.Mounts   // for libcontainer, in order
//	plan.Setup    // folders, files and links that mcpbox-init makes
//	plan.Cell     // mounts in each tool's own mount namespace
//
// # What it does not protect
//
// A tool can do anything in a folder that the caller binds writable. Mounts below a bound folder
// are bound with it.
//
// Kernel: mount_setattr and openat2; package kernel has the versions. Sources: mount_setattr(2),
// pivot_root(2).
package rootfs
