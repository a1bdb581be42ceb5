package watchdog

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/policies"
)

// maxSignals is far more than programs queue, but a small part of what the kernel allows a user.
// The same holds for maxQueues and the 819200 bytes that POSIX message queues may have.
const (
	maxSignals = 4096
	maxQueues  = 200 << 10
)

// Rlimits returns the limits that the kernel enforces per process (and for tasks, per user
// namespace), with every backend. They never exceed the caller's own hard limits. None bounds
// memory: RLIMIT_DATA and RLIMIT_AS count reserved memory, not used memory, and sanitizers, sparse
// arrays and virtual machines reserve terabytes. Their ENOMEM would not be an event either.
func Rlimits(l policies.Limits) []initproto.Rlimit {
	out := []initproto.Rlimit{{Resource: unix.RLIMIT_CORE}}
	add := func(resource int, soft, hard uint64) {
		var own unix.Rlimit
		if unix.Getrlimit(resource, &own) == nil {
			soft, hard = min(soft, own.Max), min(hard, own.Max)
		}
		out = append(out, initproto.Rlimit{Resource: resource, Soft: soft, Hard: hard})
	}
	// Set in every policy: queued signals and messages also count for the user who created the
	// namespace. If a tool used them up, the host's programs would get no timers. A tool with
	// real-time priority could block the host. user_namespaces(7)
	add(unix.RLIMIT_SIGPENDING, maxSignals, maxSignals)
	add(unix.RLIMIT_MSGQUEUE, maxQueues, maxQueues)
	add(unix.RLIMIT_RTPRIO, 0, 0)
	if l.PIDs > 0 {
		add(unix.RLIMIT_NPROC, uint64(l.PIDs), uint64(l.PIDs))
	}
	if l.CPUTime > 0 {
		seconds := uint64((time.Duration(l.CPUTime) + time.Second - 1) / time.Second)
		add(unix.RLIMIT_CPU, seconds+1, seconds+2)
	}
	if l.FileSize > 0 {
		add(unix.RLIMIT_FSIZE, uint64(l.FileSize), uint64(l.FileSize))
	}
	if l.OpenFiles > 0 {
		add(unix.RLIMIT_NOFILE, uint64(l.OpenFiles), uint64(l.OpenFiles))
	}
	return out
}
