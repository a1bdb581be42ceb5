package doctor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mcpbox/mcpbox/internal/kernel"
	"golang.org/x/sys/unix"
)

func kernelVersion() Item {
	const name = "kernel"
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return Item{Name: name, Status: Warn, Found: err.Error()}
	}
	release := unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])
	var lost []string
	for _, f := range kernel.Missing(kernel.Running()) {
		lost = append(lost, fmt.Sprintf("%s (%s)", f.Name, f.Since))
	}
	if kernel.Running().Less(kernel.Floor()) {
		return Item{name, Fail, release, "sandboxes: mcpbox needs Linux " +
			kernel.Floor().String() +
			" or later, for " + strings.Join(lost, ", "),
			"install your distribution's newer kernel, then reboot"}
	}
	i := ok(name, release)
	if len(lost) > 0 {
		i.Loses = "features of newer kernels: " + strings.Join(lost, ", ")
	}
	return i
}

// newerKernel is the fix for a feature that is in the table.
func newerKernel(feature string) string {
	return "boot Linux " + kernel.Since(feature).String() + " or later"
}

func idmappedMounts() Item {
	const name = "idmapped mounts"
	_, _, errno := unix.Syscall6(unix.SYS_MOUNT_SETATTR, ^uintptr(0), 0, 0, 0, 0, 0)
	switch {
	case !isRoot():
		return ok(name, "not needed: started by a user, uid 1000 inside is the user")
	case errors.Is(errno, unix.ENOSYS):
		return Item{name, Warn, "mount_setattr is missing",
			"as root, writable folders cannot be bound", newerKernel("mount_setattr")}
	}
	return ok(name, "mount_setattr works; a file system may still not support them")
}

// descriptors: the calls that pass executables and listeners without paths.
func descriptors() Item {
	const name = "memfd and pidfd"
	fd, err := unix.MemfdCreate("mcpbox-doctor", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return Item{name, Fail, "memfd_create: " + err.Error(), "sandboxes",
			newerKernel("memfd_create") +
				"; in a container, allow memfd_create in its seccomp profile"}
	}
	defer unix.Close(fd)
	self, err := unix.PidfdOpen(unix.Getpid(), 0)
	if err != nil {
		return Item{name, Fail, "pidfd_open: " + err.Error(), "sandboxes",
			newerKernel("pidfd_getfd") +
				"; in a container, allow pidfd_open in its seccomp profile"}
	}
	defer unix.Close(self)
	copied, err := unix.PidfdGetfd(self, fd, 0)
	if err != nil {
		return Item{name, Fail, "pidfd_getfd: " + err.Error(),
			"security events: the seccomp listener reaches mcpbox that way",
			"in a container: run it with --security-opt seccomp=unconfined, " +
				"or allow pidfd_getfd in its profile"}
	}
	unix.Close(copied)
	return ok(name, "memfd_create, pidfd_open and pidfd_getfd work")
}

func procChildren() Item {
	const name = "/proc/…/children"
	if unix.Access("/proc/thread-self/children", unix.F_OK) == nil {
		return ok(name, "present")
	}
	return Item{name, Warn, "missing", "speed only: the watchdog reads all of /proc instead",
		"boot a kernel with CONFIG_PROC_CHILDREN=y"}
}
