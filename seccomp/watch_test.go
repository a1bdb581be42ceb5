package seccomp

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
)

// A watched call may fail with EINTR. A program that ends its children in a loop, with a handler
// for SIGCHLD, would leave some of them alive: so kill is not watched.
func TestOnlyCallsThatNeedItAreWatched(t *testing.T) {
	f, err := CompileWatching(policies.Syscalls{Default: policies.DefaultAllow},
		Watch{FileSize: 1 << 20, Watches: true, Filters: true, Processes: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		args    [6]uint64
		watched bool
	}{
		{"kill", [6]uint64{7, 9}, false},
		{"tkill", [6]uint64{7, 9}, false},
		{"rt_sigqueueinfo", [6]uint64{7, 9}, false},
		{"pidfd_open", [6]uint64{7}, false},
		{"pidfd_open", [6]uint64{7, unix.O_NONBLOCK}, false},
		{"pidfd_open", [6]uint64{7, unix.O_EXCL}, true},
		{"pidfd_open", [6]uint64{7, unix.O_EXCL | unix.O_NONBLOCK}, true},
		{"prlimit64", [6]uint64{0, unix.RLIMIT_NOFILE}, false},
		{"prlimit64", [6]uint64{7, unix.RLIMIT_NOFILE}, true},
		{"prlimit64", [6]uint64{1<<32 | 7, unix.RLIMIT_NOFILE}, true},
		{"inotify_add_watch", [6]uint64{3}, true},
		{"ftruncate", [6]uint64{3, 1 << 20}, false},
		{"ftruncate", [6]uint64{3, 1<<20 + 1}, true},
		{"prctl", [6]uint64{unix.PR_SET_NAME}, false},
		{"prctl", [6]uint64{unix.PR_SET_SECCOMP, 2}, true},
		{"openat", [6]uint64{}, false},
		{"chmod", [6]uint64{0, 0o755}, false},
	} {
		nr, ok := native(c.name)
		if !ok {
			continue
		}
		v := verdict(t, f, nativeAudit(), nr, c.args)
		if v.Notified() != c.watched || !v.Notified() && !v.Allowed() {
			t.Errorf("%s%#x: %s, want watched: %v", c.name, c.args, v, c.watched)
		}
	}
}
