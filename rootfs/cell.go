package rootfs

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/initproto"
)

const (
	noDevices = unix.MS_NOSUID | unix.MS_NODEV
	plainData = noDevices | unix.MS_NOEXEC
)

// Entries of /proc that show, or act on, the whole machine. proc(5)
var (
	procEmpty = []string{"acpi", "asound", "pressure", "scsi"}
	procNull  = []string{"kcore", "keys", "key-users", "kmsg", "kallsyms", "kpagecount",
		"kpageflags", "kpagecgroup", "iomem", "ioports",
		"latency_stats", "modules", "sched_debug", "slabinfo", "timer_list", "timer_stats",
		"vmallocinfo",
		// How the host was booted and built, and the activity of its disks, devices and programs.
		"cmdline", "config.gz", "diskstats", "interrupts", "locks", "softirqs", "partitions",
		"buddyinfo", "pagetypeinfo"}
	procReadOnly = []string{"bus", "driver", "fs", "irq", "mtrr", "sys", "sysrq-trigger", "tty"}
)

// cell lists the mounts of a tool's own mount namespace: the masks over /proc, the writable
// folders, the read-only root.
func (b *builder) cell() {
	root := initproto.Root
	b.op(Op{Target: "/", Flags: unix.MS_REC | unix.MS_PRIVATE})
	b.op(Op{Source: root, Target: root, Flags: unix.MS_BIND | unix.MS_REC})
	b.plan.Cell = append(b.plan.Cell, b.ops...)
	for _, name := range procEmpty {
		b.op(Op{Source: "tmpfs", Target: root + "/proc/" + name, Type: "tmpfs",
			Flags: plainData | unix.MS_RDONLY, Data: "size=4k,nr_inodes=2", Optional: true})
	}
	for _, name := range procNull {
		b.op(Op{Source: root + "/dev/null", Target: root + "/proc/" + name,
			Flags: unix.MS_BIND, Optional: true})
	}
	for _, name := range procReadOnly {
		path := root + "/proc/" + name
		b.op(Op{Source: path, Target: path, Flags: unix.MS_BIND | unix.MS_REC,
			Optional: true})
		b.op(Op{Target: path,
			Flags:    unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY | plainData,
			Optional: true})
	}
	// By the boot id, programs in two sandboxes could find out that they are on the same machine.
	b.file(bootID, 0o444, []byte("00000000-0000-0000-0000-000000000000\n"))
	b.op(Op{Source: root + bootID, Target: root + "/proc/sys/kernel/random/boot_id",
		Flags: unix.MS_BIND, Optional: true})
	if b.CgroupView {
		b.op(Op{Source: "cgroup2", Target: root + cgroups, Type: "cgroup2",
			Flags: plainData | unix.MS_RDONLY})
	}
	b.plan.own = b.private()
	for _, d := range b.plan.own {
		b.plan.Setup.Dirs = append(b.plan.Setup.Dirs, d)
		b.op(Op{Source: root + d.Path, Target: root + d.Path,
			Flags: unix.MS_BIND | unix.MS_REC})
		b.grant(d.Path, Write)
	}
	if b.Filesystem.Rootfs != "" {
		for _, f := range b.plan.Setup.Files {
			if rest, ok := below(f.Path, "/.etc"); ok {
				b.op(Op{Source: root + f.Path, Target: root + "/etc" + rest,
					Flags: unix.MS_BIND, Optional: true})
				b.op(Op{Target: root + "/etc" + rest,
					Flags:    unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY | plainData,
					Optional: true})
			}
		}
	}
}

// hidden masks the paths of filesystem.hidden, whatever mount they are on.
func (b *builder) hidden() error {
	for _, path := range b.Filesystem.Hidden {
		if path == "/" || path == "/proc" || path == "/dev" {
			return hint.Errorf("hide a path below it", "the sandbox needs the hidden path %s", path)
		}
		folder, ok := b.visible(path)
		if ok {
			b.pin(path)
			if m, host, _ := b.plan.covering(path); m.User {
				b.plan.Masks = append(b.plan.Masks, Mask{Path: path, Folder: folder,
					Host: host, Top: m.Source})
			}
		}
		switch {
		case !ok: // nothing to hide yet
			if m, host, found := b.plan.covering(path); found && m.User {
				b.plan.Masks = append(b.plan.Masks, Mask{Path: path, Host: host, Top: m.Source,
					Absent: true})
			}
		case folder:
			b.op(Op{Source: "tmpfs", Target: initproto.Root + path, Type: "tmpfs",
				Flags: plainData | unix.MS_RDONLY, Data: "size=4k,nr_inodes=2", Optional: true})
		default:
			b.op(Op{Source: initproto.Root + "/dev/null",
				Target: initproto.Root + path, Flags: unix.MS_BIND, Optional: true})
		}
	}
	return nil
}

// pin keeps the folders around a hidden path in place. In a writable mount, the tool could move one
// of them, and the path would not be hidden in the next run. A mount point cannot be renamed:
// rename(2), EBUSY.
func (b *builder) pin(path string) {
	m, _, _ := b.plan.covering(path)
	if !m.User || m.ReadOnly {
		return
	}
	for i := len(m.Target) + 1; i < len(path); i++ {
		if path[i] == '/' {
			b.op(Op{Source: initproto.Root + path[:i],
				Target: initproto.Root + path[:i],
				Flags:  unix.MS_BIND | unix.MS_REC, Optional: true})
		}
	}
}

// visible reports whether the tool would see the path, and whether the path is a folder.
func (b *builder) visible(path string) (folder, ok bool) {
	m, source, ok := b.plan.covering(path)
	if !ok {
		return false, false
	}
	switch m.Type {
	case "bind":
	case "proc":
		source = path // the host's /proc has the same entries
	default: // on the storage: the setup makes it, or the cell binds it from an outer mount
		for _, d := range b.plan.Setup.Dirs {
			if _, in := below(d.Path, path); in {
				folder = true
			}
		}
		bound := func(op Op) bool { _, in := below(path, op.Source); return in }
		if !slices.ContainsFunc(b.ops, bound) {
			made := slices.ContainsFunc(b.plan.Setup.Files,
				func(f File) bool { return f.Path == path })
			return folder, folder || made
		}
		source = path
	}
	st, err := os.Stat(source)
	if err != nil {
		return false, false
	}
	return st.IsDir(), true
}

// seal makes the root itself read-only. It comes last, because mounts on the root keep their own
// flags.
func (b *builder) seal() {
	b.op(Op{Target: initproto.Root,
		Flags: unix.MS_REMOUNT | unix.MS_BIND | unix.MS_RDONLY | noDevices})
}

func (b *builder) op(m Op) { b.plan.Cell = append(b.plan.Cell, m) }
