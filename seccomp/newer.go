package seccomp

import (
	"runtime"
	"sync"

	"github.com/mcpbox/mcpbox/internal/kernel"
)

// newerCall is a call without a name in libseccomp 2.5.4 (Linux 5.17). Numbers from 424 on are the
// same on every architecture.
type newerCall struct {
	name string
	nr   int
}

// newerCalls follows Linux 6.19 (golang.org/x/sys/unix: SYS_*).
var newerCalls = [...]newerCall{
	{"set_mempolicy_home_node", 450}, {"cachestat", 451}, {"fchmodat2", 452}, {"map_shadow_stack",
		453},
	{"futex_wake", 454}, {"futex_wait", 455}, {"futex_requeue", 456}, {"statmount",
		457}, {"listmount", 458},
	{"lsm_get_self_attr", 459}, {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal",
		462},
	{"setxattrat", 463}, {"getxattrat", 464}, {"listxattrat", 465}, {"removexattrat", 466},
	{"open_tree_attr", 467}, {"file_getattr", 468}, {"file_setattr", 469}, {"listns",
		470}, {"rseq_slice_yield", 471},
}

// amd64Calls are the machine's own newer numbers.
var amd64Calls = [...]newerCall{{"uretprobe", 335}, {"uprobe", 336}}

func newerNumber(name string) (int, bool) {
	for _, c := range newerCalls {
		if c.name == name {
			return c.nr, true
		}
	}
	if runtime.GOARCH == "amd64" {
		for _, c := range amd64Calls {
			if c.name == name {
				return c.nr, true
			}
		}
	}
	return 0, false
}

func newerName(nr int) (string, bool) {
	for _, c := range newerCalls {
		if c.nr == nr {
			return c.name, true
		}
	}
	if runtime.GOARCH == "amd64" {
		for _, c := range amd64Calls {
			if c.nr == nr {
				return c.name, true
			}
		}
	}
	return "", false
}

// firstNumbers lists the first new call number of each kernel version, newest first. Numbers from
// 424 on are the same on every architecture. arch/x86/entry/syscalls/syscall_64.tbl
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

// thisKernel returns the version of the running kernel. It asks only once.
var thisKernel = sync.OnceValue(kernel.Running)

// KernelLacks reports whether the running kernel has no call with this number in the native table.
func KernelLacks(nr int) bool { return newerThan(thisKernel(), nr) }

// newerThan reports whether the native call with this number is newer than kernel v. Such a call
// fails as on kernel v, because a program that probes for it must not conclude that it is
// forbidden.
func newerThan(v kernel.Version, nr int) bool {
	for _, f := range firstNumbers {
		if nr >= f.nr {
			return v.Less(f.since)
		}
	}
	return false
}
