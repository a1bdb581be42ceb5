package escape

import "testing"

// Under basic seccomp itself is allowed; the kernel grants one listener a tree of filters.
func TestCannotPutAListenerOfItsOwnBeforeOurs(t *testing.T) {
	hold(t, claim{
		attack: `
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {1, &allow};
	TRY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	TRY(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));`,
		events: []string{"seccomp", "prctl"}, silent: []string{"basic"},
	})
}

// Under basic, which lets a tool install filters, its own can answer ptrace before ours does. The
// call is not executed, but there is no event about it: so there is one about the filter.
func TestAFilterThatHidesAttemptsIsReported(t *testing.T) {
	hold(t, claim{
		attack: `
	struct sock_filter hide[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, hide};
	TRY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	TRY(argc > 1 ? syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program)
		: prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
	TRY(ptrace(PTRACE_ATTACH, 1, 0, 0));`,
		bare: "EXDEV", presets: []string{"basic"}, events: []string{"seccomp", "prctl"},
	})
}

// A filter of the tool's own that answers first would hide its attempts from the report. Under
// basic it may: what is hidden is not executed either.
func TestCannotHideItsAttemptsBehindAFilterOfItsOwn(t *testing.T) {
	hold(t, claim{
		attack: `
	struct sock_filter deny = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog program = {1, &deny};
	TRY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	TRY(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));`,
		presets: without("basic"),
		events:  []string{"prctl"},
	})
}
