package seccomp

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
)

// dangerous lists calls that every preset with a filter denies, whatever their arguments.
var dangerous = []string{"mount", "umount2", "pivot_root", "move_mount", "open_tree", "fsopen",
	"fsmount", "mount_setattr", "setns", "unshare",
	"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp",
	"open_by_handle_at", "init_module", "finit_module", "delete_module", "kexec_load",
	"kexec_file_load", "reboot", "swapon", "swapoff", "iopl", "ioperm", "keyctl", "add_key",
	"request_key", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup",
	"io_uring_enter", "io_uring_register", "clock_settime", "settimeofday", "acct",
	"quotactl", "lookup_dcookie"}

func filtered(t *testing.T, check func(t *testing.T, s policies.Syscalls, f *Filter)) {
	for _, name := range policies.PresetNames() {
		p, err := policies.Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Isolation == policies.IsolationNone {
			continue // no filter is installed
		}
		t.Run(name, func(t *testing.T) {
			f, err := Compile(p.Syscalls)
			if err != nil {
				t.Fatal(err)
			}
			check(t, p.Syscalls, f)
		})
	}
}

func verdict(t *testing.T, f *Filter, arch uint32, nr int, args [6]uint64) Verdict {
	t.Helper()
	v, err := f.Verdict(arch, nr, args)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPresetVerdicts(t *testing.T) {
	filtered(t, func(t *testing.T, s policies.Syscalls, f *Filter) {
		allowed := 0
		for nr := range newest + 1 {
			name, _ := SyscallName(nativeAudit(), nr)
			v := verdict(t, f, nativeAudit(), nr, [6]uint64{})
			if !onArguments(s, name) && v.Allowed() != interpret(s, name, [6]uint64{}) {
				t.Errorf("%d (%s): %s", nr, name, v)
			}
			if v.Allowed() {
				allowed++
				if name == "" {
					t.Errorf("number %d, which has no name, is allowed", nr)
				}
			}
			if !v.Allowed() && !v.Notified() && name != "clone3" {
				t.Errorf("%s: %s, neither allowed nor reported", name, v)
			}
			if v := verdict(t, f, auditAMD64, x32Bit|nr, [6]uint64{}); !v.Notified() {
				t.Errorf("x32 number %d: %s", nr, v)
			}
			if v := verdict(t, f, auditI386, nr, [6]uint64{}); !v.Notified() {
				t.Errorf("i386 number %d: %s", nr, v)
			}
		}
		for _, nr := range []int{-1, 512, 1 << 16, x32Bit - 1} {
			if v := verdict(t, f, nativeAudit(), nr, [6]uint64{}); !v.Notified() {
				t.Errorf("number %d: %s", nr, v)
			}
		}
		t.Logf("%d numbers allowed with zero arguments, %d instructions", allowed,
			len(f.Program())/insnSize)
	})
}

// onArguments reports whether a rule of the policy depends on the call's arguments.
func onArguments(s policies.Syscalls, name string) bool {
	for _, r := range append(append([]policies.SyscallRule{}, s.Allow...), s.Deny...) {
		if len(r.Args) > 0 && matches(policies.SyscallRule{Names: r.Names}, name, [6]uint64{},
			true) {
			return true
		}
	}
	return false
}

func TestPresetsDenyTheDangerous(t *testing.T) {
	filtered(t, func(t *testing.T, _ policies.Syscalls, f *Filter) {
		for _, name := range dangerous {
			nr, ok := native(name)
			if !ok {
				t.Fatalf("%s has no number here", name)
			}
			for _, args := range [][6]uint64{{}, {1}, {^uint64(0), ^uint64(0)},
				{3, 1, 4, 1, 5, 9}} {
				if v := verdict(t, f, nativeAudit(), nr, args); !v.Notified() {
					t.Errorf("%s%v: %s", name, args, v)
				}
			}
		}
	})
}

func TestPresetsDenyDangerousArguments(t *testing.T) {
	filtered(t, func(t *testing.T, _ policies.Syscalls, f *Filter) {
		for _, tt := range []struct {
			name string
			args [6]uint64
		}{
			{"clone", [6]uint64{unix.CLONE_NEWUSER | uint64(unix.SIGCHLD)}},
			{"clone", [6]uint64{unix.CLONE_NEWNS}},
			{"clone", [6]uint64{unix.CLONE_NEWNET | unix.CLONE_THREAD | unix.CLONE_VM |
				unix.CLONE_SIGHAND}},
			{"ioctl", [6]uint64{0, unix.TIOCSTI}},
			{"ioctl", [6]uint64{0, 1<<32 | unix.TIOCSTI}},
			{"ioctl", [6]uint64{0, unix.TIOCLINUX}},
			{"socket", [6]uint64{unix.AF_PACKET, unix.SOCK_RAW}},
			{"socket", [6]uint64{1<<32 | unix.AF_PACKET, unix.SOCK_RAW}},
			{"socket", [6]uint64{unix.AF_VSOCK, unix.SOCK_STREAM}},
			{"socket", [6]uint64{unix.AF_ALG, unix.SOCK_SEQPACKET}},
			{"fcntl", [6]uint64{3, unix.F_SETLEASE}},
			{"fcntl", [6]uint64{3, 1<<32 | unix.F_SETLEASE}},
			{"fcntl", [6]uint64{3, unix.F_NOTIFY}},
			{"fcntl", [6]uint64{3, 1040}}, // F_SETDELEG
			{"mmap", [6]uint64{0, 2 << 20, 3, unix.MAP_HUGETLB | unix.MAP_PRIVATE, ^uint64(0)}},
			{"memfd_create", [6]uint64{0, unix.MFD_HUGETLB}},
			{"shmget", [6]uint64{0, 2 << 20, 0o4000 | 0o600}},
			{"kill", [6]uint64{1, 9}},
			{"kill", [6]uint64{1<<32 | 1, 9}},
		} {
			nr, _ := native(tt.name)
			if v := verdict(t, f, nativeAudit(), nr, tt.args); !v.Notified() {
				t.Errorf("%s%#x: %s", tt.name, tt.args, v)
			}
		}
	})
}
