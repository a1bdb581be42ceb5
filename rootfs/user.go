package rootfs

import (
	"errors"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

// userMounts adds the mounts that the caller named.
func (b *builder) userMounts() error {
	for _, m := range b.Filesystem.Mounts {
		source, st, err := look(m.Source)
		if err != nil {
			return err
		}
		if err := b.checkTarget(m, source, st.Mode&unix.S_IFMT == unix.S_IFDIR); err != nil {
			return err
		}
		mount := Mount{Source: source, Target: m.Target, Type: "bind",
			ReadOnly: m.Mode != policies.ReadWrite, User: true,
			Dev: st.Dev, Ino: st.Ino, UID: st.Uid, GID: st.Gid}
		if over, path, ok := b.plan.covering(m.Target); ok && over.User {
			mount.Over, mount.OverTop = path, over.Source
		}
		b.mount(mount)
		right := Read
		if m.Mode == policies.ReadWrite {
			right = Write
		}
		b.plan.Access = append(b.plan.Access, Access{Path: m.Target, Right: right,
			File: st.Mode&unix.S_IFMT != unix.S_IFDIR})
	}
	return nil
}

// ResolveSource returns the absolute path of a mount source with every link resolved.
func ResolveSource(source string) (string, error) {
	real, _, err := look(source)
	return real, err
}

// look resolves a mount source and stats it, once.
func look(source string) (real string, st unix.Stat_t, err error) {
	abs, err := filepath.Abs(source)
	if err != nil {
		return "", st, err
	}
	real, err = filepath.EvalSymlinks(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return "", st, hint.Errorf("check the path, or create the folder first", "mount source %s "+
			"does not exist", abs)
	}
	if err == nil {
		err = unix.Stat(real, &st)
	}
	if err != nil {
		return "", st, hint.Errorf("the user that runs mcpbox must be able to reach it",
			"mount source %s: %w", abs, err)
	}
	if kind := kind(st.Mode); kind != "" {
		return "", st, hint.Errorf(
			"bind a folder or a regular file: a socket or a device would be a way out",
			"mount source %s is a %s", real, kind)
	}
	return real, st, nil
}

// kind names the type of a file that may not be bound. It returns "" for folders and regular files.
func kind(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR, unix.S_IFREG:
		return ""
	case unix.S_IFSOCK:
		return "socket"
	case unix.S_IFIFO:
		return "named pipe"
	default:
		return "device"
	}
}

// checkTarget refuses targets that can't be mount points: paths with "..", the sandbox's own
// places, and places that would have to be created in a folder of the host.
func (b *builder) checkTarget(m policies.Mount, source string, folder bool) error {
	t := m.Target
	if !filepath.IsAbs(t) || filepath.Clean(t) != t {
		return hint.Errorf("give an absolute path without .. or trailing /", "mount target %q is "+
			"not a clean absolute path", t)
	}
	for _, own := range []string{"/proc", "/sys", "/dev", "/.mcpbox", "/.etc"} {
		if _, ok := below(t, own); ok {
			return hint.Errorf("use a path such as /opt/name or /work", "mount target %s belongs "+
				"to the sandbox", t)
		}
	}
	if t == "/" {
		return hint.Errorf("use --rootfs DIR for a whole root", "mount target / is the root itself")
	}
	over, inSource, ok := b.plan.covering(t)
	if !ok || over.Type == "tmpfs" {
		return nil // the mount point is created on the sandbox's own storage
	}
	// No link below that source may lead elsewhere: openat2(2), Linux ≥ 5.6.
	rel, err := filepath.Rel(over.Source, inSource)
	if err != nil {
		return err
	}
	dir, err := unix.Open(over.Source, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return hint.Errorf("the user that runs mcpbox must be able to reach it", "mount target "+
			"%s: open %s: %w", t, over.Source, err)
	}
	defer unix.Close(dir)
	fd, err := unix.Openat2(dir, rel, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_BENEATH})
	if err != nil {
		return hint.Errorf("create it in "+over.Source+" first, or mount somewhere else, such as "+
			"/opt/"+filepath.Base(t),
			"mount target %s can't be made inside %s, which is bound from the host: %w", t,
			over.Target, err)
	}
	defer unix.Close(fd)
	var have unix.Stat_t
	if err := unix.Fstat(fd, &have); err != nil {
		return err
	}
	if folder != (have.Mode&unix.S_IFMT == unix.S_IFDIR) {
		return hint.Errorf("bind a folder over a folder and a file over a file", "mount %s over "+
			"%s: one is a folder, the other is not", source, t)
	}
	return nil
}
