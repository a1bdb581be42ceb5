package doctor

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

func kernel() Item {
	const name = "kernel"
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Item{Name: name, Status: Warn, Found: err.Error()}
	}
	release := unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])
	const fix = "apt install linux-image-amd64 (or your distribution's newer kernel), then reboot"
	switch v := kernelVersion(); {
	case v < version(5, 12):
		return Item{name, Fail, release, "sandboxes: mcpbox needs Linux 5.12 (pidfd_getfd, close_range, nested id maps)", fix}
	case v < version(5, 14):
		return Item{name, Warn, release, "killing a cgroup at once, process limits per user namespace (Linux 5.14)", fix}
	case v < version(5, 19):
		return Item{name, Warn, release, "peak memory in results (Linux 5.19)", fix}
	}
	return ok(name, release)
}

func version(major, minor int) int { return major*1000 + minor }

func kernelVersion() int {
	var u unix.Utsname
	var v [2]int
	if unix.Uname(&u) == nil {
		_, _ = fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &v[0], &v[1])
	}
	return version(v[0], v[1])
}

func idmappedMounts() Item {
	const name = "idmapped mounts"
	_, _, errno := unix.Syscall6(unix.SYS_MOUNT_SETATTR, ^uintptr(0), 0, 0, 0, 0, 0)
	switch {
	case !isRoot():
		return ok(name, "not needed: started by a user, uid 1000 inside is the user")
	case errors.Is(errno, unix.ENOSYS):
		return Item{name, Warn, "mount_setattr is missing", "as root, files that a tool writes in a bound folder belong to the folder's owner", "boot Linux 5.12 or later"}
	}
	return ok(name, "mount_setattr is there; whether a file system takes part shows at the mount")
}

// descriptors: the calls that pass executables and listeners without paths.
func descriptors() Item {
	const name = "memfd and pidfd"
	fd, err := unix.MemfdCreate("mcpbox-doctor", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return Item{name, Fail, "memfd_create: " + err.Error(), "sandboxes", "boot Linux 5.12 or later; in a container, allow memfd_create in its seccomp profile"}
	}
	defer unix.Close(fd)
	self, err := unix.PidfdOpen(unix.Getpid(), 0)
	if err != nil {
		return Item{name, Fail, "pidfd_open: " + err.Error(), "sandboxes", "boot Linux 5.12 or later; in a container, allow pidfd_open in its seccomp profile"}
	}
	defer unix.Close(self)
	copied, err := unix.PidfdGetfd(self, fd, 0)
	if err != nil {
		return Item{name, Fail, "pidfd_getfd: " + err.Error(), "security events: the seccomp listener reaches mcpbox that way", "in a container: run it with --security-opt seccomp=unconfined, or allow pidfd_getfd in its profile"}
	}
	unix.Close(copied)
	return ok(name, "memfd_create, pidfd_open and pidfd_getfd work")
}

func procChildren() Item {
	const name = "/proc/…/children"
	if unix.Access("/proc/thread-self/children", unix.F_OK) == nil {
		return ok(name, "there")
	}
	return Item{name, Warn, "missing", "speed only: the watchdog scans all of /proc instead", "boot a kernel with CONFIG_PROC_CHILDREN=y"}
}
