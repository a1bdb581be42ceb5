package doctor

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// seccompNotify installs a listener with a filter that allows everything, on a
// thread that ends with it.
func seccompNotify() Item {
	const name = "seccomp user notification"
	err := onThread(func() error {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return fmt.Errorf("no_new_privs: %w", err)
		}
		allow := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}
		prog := unix.SockFprog{Len: 1, Filter: &allow}
		fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
			unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&prog)))
		if errno != 0 {
			return errno
		}
		return unix.Close(int(fd))
	})
	const loses = "the syscall filter and its events: standard, strict and maximum"
	switch {
	case err == nil:
		return ok(name, "a listener was installed")
	case errors.Is(err, unix.EBUSY):
		return Item{name, Fail, "another program's listener watches this process already", loses,
			"start mcpbox outside the sandbox or container that it runs in"}
	case errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS):
		return Item{name, Fail, "not in this kernel (" + err.Error() + ")", loses,
			newerKernel("seccomp user notification") + " with CONFIG_SECCOMP_FILTER=y"}
	}
	return Item{name, Fail, err.Error(), loses, "docker run --security-opt seccomp=unconfined …"}
}

// onThread runs f on a thread of its own, which ends afterwards: what f set
// cannot be unset. Never the first thread: that one stays to the end.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			done <- onThread(f) // elsewhere, as this thread is taken
			runtime.UnlockOSThread()
			return
		}
		done <- f() // never unlocked: the runtime ends the thread
	}()
	return <-done
}

func landlock() Item {
	const name = "Landlock"
	const loses = "a second check of file access; the preset maximum requires it"
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0,
		unix.LANDLOCK_CREATE_RULESET_VERSION)
	switch {
	case errno == 0:
		return ok(name, fmt.Sprintf("ABI %d", abi))
	case errno == unix.EOPNOTSUPP:
		return Item{name, Warn, "in the kernel, but not enabled at boot", loses, bootWithLandlock()}
	case errno == unix.ENOSYS:
		return Item{name, Warn, "not in this kernel", loses,
			newerKernel("Landlock") + " with CONFIG_SECURITY_LANDLOCK=y"}
	}
	return Item{name, Warn, errno.Error(), loses,
		"in a container: allow landlock_create_ruleset in its seccomp profile"}
}

// bootWithLandlock adds Landlock to the security modules that are enabled now.
func bootWithLandlock() string {
	modules := "landlock"
	if b, err := os.ReadFile("/sys/kernel/security/lsm"); err == nil && len(b) > 0 {
		modules += "," + strings.TrimSpace(string(b))
	}
	return `sudo sed -i 's/^GRUB_CMDLINE_LINUX="/&lsm=` + modules +
		` /' /etc/default/grub && sudo update-grub && sudo reboot`
}
