package doctor

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// tryNamespaces runs `true` in a new user namespace with the given others.
// The unshared mount namespace needs CAP_SYS_ADMIN inside, which AppArmor may
// take away after the user namespace itself was granted.
func tryNamespaces(ctx context.Context, flags uintptr) error {
	path, err := exec.LookPath("true")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   unix.CLONE_NEWUSER | flags,
		Unshareflags: unix.CLONE_NEWNS,
		UidMappings:  []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings:  []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	return cmd.Run()
}

func userNamespaces(ctx context.Context) Item {
	const name = "user namespaces"
	err := tryNamespaces(ctx, 0)
	if err == nil {
		return ok(name, "one was created, with a mount namespace in it")
	}
	found, fix := whoForbids(err)
	return Item{name, Fail, found, "sandboxes: every preset except none needs them", fix}
}

// whoForbids names the gate that is closed; the error alone is EPERM or ENOSPC for all of them.
func whoForbids(err error) (found, fix string) {
	switch {
	case os.Getenv("MCPBOX") == "1":
		return "this already runs inside a sandbox of mcpbox",
			"run mcpbox outside of the sandbox"
	case sysctl("user/max_user_namespaces") == "0":
		return "forbidden by the sysctl user.max_user_namespaces=0",
			"sudo sysctl -w user.max_user_namespaces=15000"
	case !isRoot() && sysctl("kernel/unprivileged_userns_clone") == "0":
		return "forbidden to ordinary users by the sysctl kernel.unprivileged_userns_clone=0",
			"sudo sysctl -w kernel.unprivileged_userns_clone=1"
	case !isRoot() && sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1":
		return "forbidden to ordinary users by AppArmor " +
				"(kernel.apparmor_restrict_unprivileged_userns=1)", "sudo sysctl -w " +
				"kernel.apparmor_restrict_unprivileged_userns=0"
	case errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EUSERS):
		return "the limit of user namespaces is reached (user.max_user_namespaces=" +
			sysctl("user/max_user_namespaces") +
			")", "sudo sysctl -w user.max_user_namespaces=15000"
	case errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS):
		return "not in this kernel (" + err.Error() + ")", "boot a kernel with CONFIG_USER_NS=y"
	case inContainer():
		return "forbidden by the container that mcpbox runs in (" + err.Error() + ")",
			"podman run --security-opt seccomp=unconfined --security-opt unmask=all …, or " +
				"docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined " +
				"--security-opt systempaths=unconfined …"
	case chrooted(err):
		return "refused inside a chroot (" + err.Error() + ")", "run mcpbox outside the chroot"
	}
	return "refused: " + err.Error(),
		"look for a security module: cat /sys/kernel/security/lsm; sysctl -a | grep -E " +
			"'userns|user_namespaces'"
}

// otherNamespaces tries each kind alone, to name the one that is missing.
func otherNamespaces(ctx context.Context) Item {
	const name = "other namespaces"
	kinds := []struct {
		name string
		flag uintptr
	}{
		{"pid", unix.CLONE_NEWPID}, {"net", unix.CLONE_NEWNET}, {"ipc", unix.CLONE_NEWIPC},
		{"uts", unix.CLONE_NEWUTS}, {"cgroup", unix.CLONE_NEWCGROUP},
	}
	var all uintptr
	var names []string
	for _, k := range kinds {
		all |= k.flag
		names = append(names, k.name)
	}
	if tryNamespaces(ctx, all) == nil {
		return ok(name, strings.Join(names, ", ")+" and mount: created")
	}
	if err := tryNamespaces(ctx, 0); err != nil {
		return Item{name, Fail, "not tried: they need a user namespace", "sandboxes", ""}
	}
	for _, k := range kinds {
		if err := tryNamespaces(ctx, k.flag); err != nil {
			limit := "user.max_" + k.name + "_namespaces"
			fix := "boot a kernel that has them"
			if sysctl("user/max_"+k.name+"_namespaces") == "0" {
				fix = "sudo sysctl -w " + limit + "=15000"
			}
			return Item{name, Fail, k.name + ": " + err.Error(),
				"sandboxes: every preset except none needs them", fix}
		}
	}
	return Item{name, Fail, "each works alone, not all together", "sandboxes", ""}
}

func sysctl(path string) string {
	b, err := os.ReadFile("/proc/sys/" + path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func inContainer() bool {
	for _, path := range []string{"/.dockerenv", "/run/.containerenv"} {
		if unix.Access(path, unix.F_OK) == nil {
			return true
		}
	}
	b, _ := os.ReadFile("/proc/self/status")
	return strings.Contains(string(b), "\nSeccomp:\t2\n")
}

// chrooted: the kernel refuses user namespaces if the root is not that of the mount namespace.
func chrooted(err error) bool {
	if !errors.Is(err, unix.EPERM) {
		return false
	}
	root, errA := os.Stat("/")
	first, errB := os.Stat("/proc/1/root/")
	return errA == nil && errB == nil && !os.SameFile(root, first)
}
