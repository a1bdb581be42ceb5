package main

import (
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// masker restores masks in a cell's mounts from inside. It needs its own process, because a process
// with several threads can't enter a user namespace. The creator of that namespace has all
// capabilities in it. user_namespaces(7)
type masker struct {
	user, mounts int // descriptors of the cell's namespaces
	ops          []rawMount
}

// mask covers files (with /dev/null) and folders (with an empty tmpfs) that the host has replaced.
// It sends no answer: the supervisor checks whether the masks are in place.
func (in *initProcess) mask(number int, body []byte) {
	var s initproto.SetupBody
	if initproto.Decode(body, &s) != nil {
		return
	}
	m := &masker{}
	for _, f := range s.Files {
		m.add("/dev/null", f.Path, "", "", unix.MS_BIND)
	}
	for _, d := range s.Dirs {
		m.add("tmpfs", d.Path, "tmpfs", "size=4k,nr_inodes=2",
			unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC|unix.MS_RDONLY)
	}
	in.mu.Lock() // so that the pid is still this process's
	defer in.mu.Unlock()
	for _, p := range in.running {
		if p.number != number {
			continue
		}
		dir := "/proc/" + strconv.Itoa(p.pid) + "/ns/"
		var err1, err2 error
		m.user, err1 = unix.Open(dir+"user", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		m.mounts, err2 = unix.Open(dir+"mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err1 == nil && err2 == nil {
			args := cloneArgs{exitSignal: uint64(unix.SIGCHLD)}
			_, _ = fork(&args, &child{masker: m}) // reaped like any orphan
		}
		if err1 == nil {
			unix.Close(m.user)
		}
		if err2 == nil {
			unix.Close(m.mounts)
		}
	}
}

func (m *masker) add(source, target, fstype, data string, flags uintptr) {
	op := rawMount{flags: flags}
	for to, text := range map[**byte]string{&op.source: source, &op.target: target,
		&op.fstype: fstype, &op.data: data} {
		if text == "" {
			continue
		}
		p, err := unix.BytePtrFromString(text)
		if err != nil {
			return
		}
		*to = p
	}
	m.ops = append(m.ops, op)
}

// main enters the cell and mounts. The supervisor detects failures.
//
//go:nosplit
//go:norace
func (m *masker) main() {
	if sys3(unix.SYS_SETNS, uintptr(m.user), unix.CLONE_NEWUSER, 0) == 0 &&
		sys3(unix.SYS_SETNS, uintptr(m.mounts), unix.CLONE_NEWNS, 0) == 0 {
		for i := range m.ops {
			op := &m.ops[i]
			sys6(unix.SYS_MOUNT, uintptr(unsafe.Pointer(op.source)),
				uintptr(unsafe.Pointer(op.target)),
				uintptr(unsafe.Pointer(op.fstype)), op.flags, uintptr(unsafe.Pointer(op.data)), 0)
		}
	}
	for {
		sys3(unix.SYS_EXIT_GROUP, 0, 0, 0)
	}
}
