package seccomp

import (
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// victims are the functions that a test's child runs under its filter. They make raw calls and
// print the results.
func victims() map[string]func() {
	return map[string]func(){
		"mkdir": func() { say(raw(unix.SYS_MKDIR, str("/tmp/mcpbox-nothing"), 0o755)) },
		"mount": func() {
			say(raw(unix.SYS_MOUNT, str("none"), str("/mnt"), str("tmpfs"),
				unix.MS_NOSUID|unix.MS_BIND, 0))
		},
		"ptrace": func() { say(raw(unix.SYS_PTRACE, unix.PTRACE_ATTACH, 1)) },
		"socket": func() {
			say(raw(unix.SYS_SOCKET, unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC,
				3))
		},
		"clone": func() {
			say(raw(unix.SYS_CLONE,
				unix.CLONE_NEWUSER|unix.CLONE_NEWNS|uintptr(unix.SIGCHLD)))
		},
		"clone3": func() { say(raw(unix.SYS_CLONE3, 0, 0)) },
		"newest": func() { say(raw(500)) },
		"openat": func() {
			say(raw(unix.SYS_OPENAT, at(unix.AT_FDCWD), str("etc/shadow"), unix.O_RDWR|unix.O_CREAT,
				0o600))
		},
		"ioctl":   func() { say(raw(unix.SYS_IOCTL, 0, 1<<32|unix.TIOCSTI, 0)) },
		"x32":     func() { say(raw(x32Bit|unix.SYS_MKDIR, str("/tmp/mcpbox-nothing"), 0o755)) },
		"i386":    victimI386,
		"connect": victimConnect,
		"execve":  victimExecve,
		"hostile": victimHostile,
		"forever": func() {
			raw(unix.SYS_MKDIR, str("/first"), 0)
			raw(unix.SYS_PPOLL, 0, 0, 0, 0,
				0)
		},
		"many":   victimMany,
		"inside": victimInside,
		"timed":  victimTimed,
	}
}

func say(errno syscall.Errno) { unix.Write(1, []byte(unix.ErrnoName(errno)+"\n")) }

func raw(nr uintptr, args ...uintptr) syscall.Errno {
	var a [6]uintptr
	copy(a[:], args)
	_, _, errno := syscall.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	return errno
}

func at(fd int) uintptr { return uintptr(fd) }

var pinned []*byte // keeps str's memory alive

func str(s string) uintptr {
	b := append([]byte(s), 0)
	pinned = append(pinned, &b[0])
	return uintptr(unsafe.Pointer(&b[0]))
}

func victimConnect() {
	path := unix.RawSockaddrUnix{Family: unix.AF_UNIX}
	for i, c := range []byte("/run/docker.sock") {
		path.Path[i] = int8(c)
	}
	say(raw(unix.SYS_CONNECT, 3, uintptr(unsafe.Pointer(&path)), unix.SizeofSockaddrUnix))
	abstract := unix.RawSockaddrUnix{Family: unix.AF_UNIX}
	abstract.Path[1] = 'x'
	say(raw(unix.SYS_CONNECT, 3, uintptr(unsafe.Pointer(&abstract)), 4))
	four := [16]byte{unix.AF_INET, 0, 0, 53, 8, 8, 8, 8}
	say(raw(unix.SYS_CONNECT, 3, uintptr(unsafe.Pointer(&four)), 16))
	six := [28]byte{0: unix.AF_INET6, 3: 80, 23: 1}
	say(raw(unix.SYS_CONNECT, 3, uintptr(unsafe.Pointer(&six)), 28))
	runtime.KeepAlive(&path)
}

func victimExecve() {
	argv := [...]uintptr{str("sh"), str("-c"), str("echo \x1b[31m\"hi\""), 0}
	say(raw(unix.SYS_EXECVE, str("/bin/sh"), uintptr(unsafe.Pointer(&argv)), 0))
	say(raw(unix.SYS_EXECVE, str("/bin/false"), uintptr(unsafe.Pointer(&argv)), 0))
}

// victimHostile passes pointers that are dangerous for a careless reader.
func victimHostile() {
	const pageSize = 4096
	two, err := unix.Mmap(-1, 0, 2*pageSize, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		panic(err)
	}
	for i := range two {
		two[i] = 'a'
	}
	_ = unix.Mprotect(two[pageSize:], unix.PROT_NONE)
	base := uintptr(unsafe.Pointer(&two[0]))
	for _, p := range []uintptr{
		8,                        // never mapped
		^uintptr(0) - 10,         // wraps
		0xffff_8000_0000_0000,    // the kernel's half
		base + pageSize - 5,      // continues in an unreadable page
		base,                     // a page without an end
		base + pageSize,          // unreadable
		str("\xff\x00hidden"),    // not UTF-8
		str("a\nmcpbox: all ok"), // forged line
	} {
		say(raw(unix.SYS_MKDIR, p, 0))
	}
	argv := [...]uintptr{8, base, 0}
	say(raw(unix.SYS_EXECVE, base, uintptr(unsafe.Pointer(&argv)), 0))
	say(raw(unix.SYS_CONNECT, 3, base+pageSize-2, 0xffffffff))
}

func victimMany() {
	p := str("/x")
	n := 0
	for range 5000 {
		if raw(unix.SYS_MKDIR, p, 0) == unix.EPERM {
			n++
		}
	}
	unix.Write(1, fmt.Appendln(nil, n))
}

// victimInside checks that the filter is on this thread.
func victimInside() {
	mode, _, _ := syscall.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_SECCOMP, 0, 0)
	unix.Write(1, fmt.Appendln(nil, mode))
}

func victimTimed() {
	p := str("/some/path")
	took := make([]time.Duration, 3000)
	for i := range took {
		start := time.Now()
		raw(unix.SYS_MKDIR, p, 0)
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	unix.Write(1, fmt.Appendln(nil, took[len(took)/2].Nanoseconds()))
}
