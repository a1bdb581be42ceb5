package runtime

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
	"github.com/mcpbox/mcpbox/runtime/internal/landlock"
	"github.com/mcpbox/mcpbox/runtime/internal/state"
	"github.com/mcpbox/mcpbox/runtime/internal/stdio"
	"github.com/mcpbox/mcpbox/runtime/internal/workspace"
)

// ErrWorkspace means that this folder cannot be mounted in a cell that was built before its call:
// its file system or this kernel can't do it. It may be possible in a sandbox of its own.
var ErrWorkspace = workspace.ErrImpossible

// SplitWorkspace returns the policy without its mount on /work, for a sandbox with Spec.Open. The
// calls bring the mount. ok is false if the policy has none, or says more about paths below /work.
func SplitWorkspace(p *policies.Policy) (rest *policies.Policy, m policies.Mount, ok bool) {
	out := *p
	out.Filesystem.Mounts = nil
	below := func(path string) bool {
		return path == rootfs.Work || strings.HasPrefix(path, rootfs.Work+"/")
	}
	for _, mount := range p.Filesystem.Mounts {
		switch {
		case mount.Target == rootfs.Work && !ok:
			m, ok = mount, true
		case below(mount.Target):
			return p, m, false
		default:
			out.Filesystem.Mounts = append(out.Filesystem.Mounts, mount)
		}
	}
	for _, path := range append(p.Filesystem.Hidden[:len(p.Filesystem.Hidden):len(
		p.Filesystem.Hidden)], p.Filesystem.Folders...) {
		ok = ok && !below(path)
	}
	return &out, m, ok
}

// workspace makes the call's mount, or returns nil.
func (l *directLine) workspace(call *initproto.Call) (*os.File, error) {
	w := l.command.Workspace
	if w == nil {
		return nil, nil
	}
	c := l.cell.c
	var st unix.Stat_t
	if err := unix.Fstat(int(w.Folder.Fd()), &st); err != nil {
		return nil, os.NewSyscallError("fstat", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return nil, fmt.Errorf("workspace %s: %w", w.Folder.Name(), unix.ENOTDIR)
	}
	// What mcpbox hides in a mount of the policy's it can't hide here.
	own, err := state.Exposed(w.source(), rootfs.Work, state.Folders(c.box.opts.stateDir))
	if err != nil {
		return nil, err
	}
	if len(own) > 0 {
		return nil, fmt.Errorf("%w: it contains mcpbox's own folder, which is hidden", ErrWorkspace)
	}
	o := workspace.Options{ReadOnly: w.ReadOnly}
	if c.plan.host.root {
		o.Owner = &workspace.Owner{UID: int(st.Uid), GID: int(st.Gid), ToolUID: c.ids.ToolUID,
			ToolGID: c.ids.ToolGID}
	}
	tree, err := workspace.Tree(w.Folder, o)
	if err != nil {
		return nil, err
	}
	right := rootfs.Write
	if w.ReadOnly {
		right = rootfs.Read
	}
	call.Workspace = true
	if c.plan.landlock != nil {
		call.Access = landlock.FolderRights(right, c.plan.landlock.HandledFS)
	}
	l.root = c.plan.root.With(rootfs.Mount{Source: w.source(), Target: rootfs.Work,
		ReadOnly: w.ReadOnly})
	return tree, nil
}

// source is the folder's path now.
func (w *Workspace) source() string {
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(w.Folder.Fd())))
	if err != nil {
		return w.Folder.Name()
	}
	return path
}

// checkWorkspace compares what is mounted on /work with the folder that the caller opened.
func (cell *Cell) checkWorkspace(w *Workspace) error {
	if w == nil {
		return nil
	}
	var its, seen unix.Stat_t
	err := unix.Fstat(int(w.Folder.Fd()), &its)
	if err == nil {
		err = unix.Stat("/proc/"+strconv.Itoa(cell.pid)+"/root"+rootfs.Work, &seen)
	}
	if err == nil && (its.Dev != seen.Dev || its.Ino != seen.Ino) {
		err = fmt.Errorf("another folder than %s is mounted", w.Folder.Name())
	}
	if err != nil {
		return fmt.Errorf("%w: verify the workspace: %w", ErrLayer, err)
	}
	return nil
}

// openTTY makes a pty in the cell's own devpts, so that the tool's ttyname(3) works and no terminal
// of the host is reachable.
func (l *directLine) openTTY() (master *os.File, err error) {
	const peer = unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC
	path := "/proc/" + strconv.Itoa(l.cell.pid) + "/root/dev/pts/ptmx"
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	master = os.NewFile(uintptr(fd), "pty")
	err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	var slave uintptr
	if err == nil {
		var errno syscall.Errno
		if slave, _, errno = unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER,
			peer); errno != 0 { // Linux ≥ 4.13
			err = errno
		}
	}
	if err != nil {
		master.Close()
		return nil, err
	}
	l.slave = os.NewFile(slave, "tty")
	rows, cols := l.command.Rows, l.command.Cols
	if rows == 0 {
		rows, cols = stdio.WindowSize(l.command.Stdin)
	}
	if rows > 0 {
		_ = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: cols})
	}
	return master, nil
}

// fds are the program's standard streams.
func (l *directLine) fds() []int {
	if l.slave != nil {
		fd := int(l.slave.Fd())
		return []int{fd, fd, fd}
	}
	return l.streams.FDs()
}
