package seccomp

import (
	"math"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
)

// Watch selects calls that go to the listener even if the policy allows them. The listener checks
// them. If the registers alone decide, which the program cannot change while it waits, it lets the
// kernel continue (Answer.Continue). Otherwise it performs the call itself (Answer.Done).
//
// A call that goes to the listener can fail with EINTR, even one that never does so in the kernel.
// This happens if the program has a handler without SA_RESTART, and the signal arrives before the
// listener has received the call (before Linux 5.19: before it has answered). So few calls are
// watched. seccomp_unotify(2)
type Watch struct {
	// FileSize, if not 0, watches calls that set a file's size above it. The kernel refuses them
	// without a report.
	FileSize uint64
	// Watches watches inotify_add_watch, because only the path shows whether the tool may write the
	// file.
	Watches bool
	// Filters watches the installation of further filters: theirs may answer before the policy's.
	Filters bool
	// Processes watches calls that name another process, because a filter cannot know the ids of
	// PID 1's threads. It leaves out kill and its relatives: PID 1 ignores signals, and a program
	// that ends many children must not get EINTR when the first one ends.
	Processes bool
}

const (
	setModeFilter = 1           // SECCOMP_SET_MODE_FILTER
	pidfdThread   = unix.O_EXCL // PIDFD_THREAD
)

// CompileWatching is like Compile, with calls that are watched.
func CompileWatching(s policies.Syscalls, w Watch) (*Filter, error) { return compile(s, inTree, w) }

// watch adds the rules. A call that no rule allows is still refused.
func (t table) watch(w Watch) {
	add := func(names []string, conds ...condition) {
		for _, name := range names {
			if nr, ok := native(name); ok && t[nr] != nil {
				t[nr].watched = append(t[nr].watched, conds)
			}
		}
	}
	if w.FileSize > 0 {
		add([]string{"ftruncate", "truncate"},
			condition{index: 1, op: opGt, value: w.FileSize},
			condition{index: 1, op: opLe, value: math.MaxInt64})
		add([]string{"fallocate"}, condition{index: 1, narrow: true, op: opEq}, // allocates space
			condition{index: 3, op: opGt, value: w.FileSize},
			condition{index: 3, op: opLe, value: math.MaxInt64})
	}
	if w.Watches {
		add([]string{"inotify_add_watch"})
	}
	if w.Filters {
		add([]string{"seccomp"}, condition{index: 0, narrow: true, op: opEq, value: setModeFilter})
		add([]string{"prctl"}, condition{index: 0, narrow: true, op: opEq,
			value: unix.PR_SET_SECCOMP})
	}
	if w.Processes {
		other := []condition{{index: 0, narrow: true, op: opGt, value: 1},
			{index: 0, narrow: true, op: opLe, value: math.MaxInt32}}
		add([]string{"prlimit64"}, other...)
		add([]string{"pidfd_open"}, append(other, condition{index: 1, narrow: true, op: opMasked,
			value: pidfdThread, mask: pidfdThread})...)
	}
}

// allows reports whether the policy allows a call, apart from watching.
func (e *entry) allows(args [6]uint64) bool {
	if e == nil || e.denyAll || anyMatch(e.deny, args) {
		return false
	}
	return e.allowAll || anyMatch(e.allow, args)
}

func anyMatch(rules [][]condition, args [6]uint64) bool {
	for _, conds := range rules {
		all := true
		for _, c := range conds {
			all = all && c.holds(args[c.index])
		}
		if all {
			return true
		}
	}
	return false
}

func (c condition) holds(v uint64) bool {
	want, mask := c.value, c.mask
	if c.narrow {
		v, want, mask = v&math.MaxUint32, want&math.MaxUint32, mask&math.MaxUint32
	}
	switch c.op {
	case opEq:
		return v == want
	case opNe:
		return v != want
	case opLt:
		return v < want
	case opLe:
		return v <= want
	case opGt:
		return v > want
	case opGe:
		return v >= want
	case opMasked:
		return v&mask == want
	}
	return false
}
