package seccomp

import "runtime"

// newerCall is a call that libseccomp 2.5.4 (Linux 5.17) has no name for.
// Numbers from 424 on are the same on every architecture.
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
