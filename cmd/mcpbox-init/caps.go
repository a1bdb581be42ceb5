package main

import (
	"fmt"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// allThreadsCapset sets the capabilities of every thread of this process: capset(2) alone changes the calling one.
func allThreadsCapset(header *unix.CapUserHeader, data *[2]unix.CapUserData) error {
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(header)), uintptr(unsafe.Pointer(data)), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// mapped reports whether id appears inside a /proc/<pid>/uid_map text. user_namespaces(7)
func mapped(idMap string, id int) bool {
	for _, line := range strings.Split(strings.TrimSpace(idMap), "\n") {
		var inside, outside, count int
		if n, _ := fmt.Sscan(line, &inside, &outside, &count); n == 3 && id >= inside && id < inside+count {
			return true
		}
	}
	return false
}
