package main

import "golang.org/x/sys/unix"

// ptrace attaches to a process (and lets go at once, where it may).
func ptrace(pid int) error {
	if err := unix.PtraceAttach(pid); err != nil {
		return err
	}
	return unix.PtraceDetach(pid)
}

// mount puts an empty tmpfs over dir.
func mount(dir string) error {
	return unix.Mount("victim", dir, "tmpfs", 0, "")
}

// unshare asks for a user and a mount namespace, the way to a fresh root. Bare it fails with
// EINVAL, for a Go program has threads: a filter must say EPERM before the kernel looks.
func unshare() error {
	return unix.Unshare(unix.CLONE_NEWUSER | unix.CLONE_NEWNS)
}
