package rootfs

// ptyOptions make a devpts of the sandbox's own. All sandboxes of a host have about 3000 ptys
// together (kernel.pty.max less its reserve), so that each gets a share of them. pts(4)
const ptyOptions = "newinstance,ptmxmode=0666,mode=0620,max=128"

// dev plans /dev: six nodes of the host, a new instance of devpts, and shared memory on the
// storage.
func (b *builder) dev() {
	b.dir("/dev", 0o755)
	b.mount(Mount{Source: "/dev", Target: "/dev", Type: "dev", Outer: true})
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		b.file("/dev/"+name, 0o666, nil)
		b.bindOuter("/dev/" + name)
	}
	b.mount(Mount{Source: "devpts", Target: "/dev/pts", Type: "devpts",
		Data: ptyOptions})
	for _, l := range []Link{
		{Path: "/dev/ptmx", Target: "pts/ptmx"}, {Path: "/dev/fd", Target: "/proc/self/fd"},
		{Path: "/dev/stdin", Target: "/proc/self/fd/0"}, {Path: "/dev/stdout",
			Target: "/proc/self/fd/1"}, {Path: "/dev/stderr", Target: "/proc/self/fd/2"},
	} {
		b.link(l.Path, l.Target)
	}
	b.grant("/dev", Dev)
	// hidepid=2 hides processes of other ids and processes that are not dumpable, such as
	// mcpbox-init. This is a new instance of proc; mcpbox-init's own instance does not change.
	b.mount(Mount{Source: "proc", Target: "/proc", Type: "proc", Data: "hidepid=2"})
	b.grant("/proc", Proc)
	b.dir("/sys", 0o755)
	b.dir(cgroups, 0o555)
	b.grant("/sys", Read)
	if b.Topology != "" {
		b.mount(Mount{Source: b.Topology, Target: devices, Type: "bind", ReadOnly: true})
	}
}
