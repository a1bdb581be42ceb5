package seccomp

import (
	"sync"

	"github.com/mcpbox/mcpbox/internal/kernel"
)

// firstNumbers says from which number on the calls came with which kernel, newest first. Numbers
// from 424 on are the same on every architecture. arch/x86/entry/syscalls/syscall_64.tbl
var firstNumbers = [...]struct {
	nr    int
	since kernel.Version
}{
	{471, kernel.Version{Major: 7}},
	{470, kernel.Version{Major: 6, Minor: 19}},
	{468, kernel.Version{Major: 6, Minor: 17}},
	{467, kernel.Version{Major: 6, Minor: 15}},
	{463, kernel.Version{Major: 6, Minor: 13}},
	{462, kernel.Version{Major: 6, Minor: 10}},
	{457, kernel.Version{Major: 6, Minor: 8}},
	{454, kernel.Version{Major: 6, Minor: 7}},
	{452, kernel.Version{Major: 6, Minor: 6}},
	{451, kernel.Version{Major: 6, Minor: 5}},
	{450, kernel.Version{Major: 5, Minor: 17}},
	{449, kernel.Version{Major: 5, Minor: 16}},
	{448, kernel.Version{Major: 5, Minor: 15}},
	{447, kernel.Version{Major: 5, Minor: 14}},
	{444, kernel.Version{Major: 5, Minor: 13}},
	{442, kernel.Version{Major: 5, Minor: 12}},
	{441, kernel.Version{Major: 5, Minor: 11}},
}

// thisKernel is the kernel that this process runs on. Asked once.
var thisKernel = sync.OnceValue(kernel.Running)

// Lacks reports whether the running kernel has no call of that number of the machine's own table.
func Lacks(nr int) bool { return newerThan(thisKernel(), nr) }

// newerThan reports whether the machine's call of that number came after kernel v. Such a call is
// answered as v answers it: a program that probes for it must not hear that it is forbidden.
func newerThan(v kernel.Version, nr int) bool {
	for _, f := range firstNumbers {
		if nr >= f.nr {
			return v.Less(f.since)
		}
	}
	return false
}
