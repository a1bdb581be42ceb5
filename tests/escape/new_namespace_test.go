package escape

import "testing"

func TestCannotMakeAUserNamespace(t *testing.T) {
	hold(t, claim{attack: `TRY(unshare(CLONE_NEWUSER));`, events: []string{"unshare"}})
}

// From inside a user namespace it would hold capabilities against the kernel.
func TestCannotCloneIntoAUserNamespace(t *testing.T) {
	hold(t, claim{
		attack: `
	pid_t pid = TRY(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
	if (!pid) _exit(0);`,
		events: []string{"clone"},
	})
}

// The upper half of the flags' register is the kernel's to ignore, not the filter's.
func TestCannotHideCloneFlagsBehindUpperBits(t *testing.T) {
	hold(t, claim{
		attack: `
	pid_t pid = TRY(syscall(SYS_clone, 0x100000000 | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
	if (!pid) _exit(0);`,
		events: []string{"clone"},
	})
}

// A filter can't see clone3's flags: it is answered as on an old kernel, without an event, for
// every libc tries it.
func TestCannotMakeAUserNamespaceByClone3(t *testing.T) {
	hold(t, claim{
		attack: `
	struct { uint64_t flags, pidfd, child, parent, signal, stack, size, tls; } args = {.flags = CLONE_NEWUSER, .signal = SIGCHLD};
	pid_t pid = TRY(syscall(SYS_clone3, &args, sizeof args));
	if (!pid) _exit(0);`,
	})
}

func TestCannotMakeAnyNamespaceByUnshare(t *testing.T) {
	for name, flag := range map[string]string{"mount": "NEWNS", "network": "NEWNET",
		"pid": "NEWPID", "time": "NEWTIME"} {
		t.Run(name, func(t *testing.T) {
			hold(t, claim{attack: `TRY(unshare(CLONE_` + flag + `));`, needsRoot: true,
				events: []string{"unshare"}})
		})
	}
}
