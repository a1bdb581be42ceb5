package seccomp

import (
	"os"
	"syscall"
)

// Call is one refused system call. The program waits for its answer.
type Call struct {
	ID uint64 // the kernel's cookie
	// the calling thread's id in the listener's PID namespace; 0 if the thread is outside of it
	PID      int
	Arch     uint32    // AUDIT_ARCH_*
	ArchName string    // i386, x32 …; "" for the native one
	Number   int       // in Arch's table
	Name     string    // "" if the number has no name
	Raw      [6]uint64 // as in the registers
	Args     []string  // decoded for people: flags by name; memory quoted, escaped and cut
	Paths    []string  // path arguments and Unix socket paths, escaped, uncut
	// the first path argument, unescaped: for look-ups, not for printing; nil: unreadable
	Path  *string
	Errno syscall.Errno // the proposed answer: EPERM, or ENOSYS for a number without a name
	First bool          // the first execve of this listener, which starts the tool

	listener int
}

// Waiting reports whether the task still waits for its answer. Call it after opening a file below
// /proc/PID: true means that the file belongs to this task, and not to a later task with the same
// id.
func (c *Call) Waiting() bool { return idValid(c.listener, c.ID) }

// Answer is the answer to a call. Errno 0 without Continue means EPERM.
type Answer struct {
	Errno syscall.Errno // positive, as the program will see it
	// Continue lets the kernel execute the call. Use it only if the decision does not depend on
	// memory: the program could change its memory after the check. The registers can't change.
	Continue bool
	// Done: the supervisor has performed the call. The call returns Result.
	Done   bool
	Result int64
	// File, if not nil, makes an open succeed: the program gets a descriptor of it. Serve closes
	// it.
	File        *os.File
	CloseOnExec bool // of that descriptor
}

// Stats counts what a listener did. Seen = Answered + Gone once Serve has returned.
type Stats struct {
	Seen     uint64 // received from the kernel
	Answered uint64
	Gone     uint64 // the calling task ended or was interrupted before the answer
}
