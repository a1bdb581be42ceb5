package seccomp

import (
	"os"
	"syscall"
)

// Call is one refused system call. The program waits for its answer.
type Call struct {
	ID uint64 // the kernel's cookie
	// the calling thread in the listener's PID namespace; 0 if it is not in it
	PID      int
	Arch     uint32    // AUDIT_ARCH_*
	ArchName string    // i386, x32 …; "" for the native one
	Number   int       // in Arch's table
	Name     string    // "" if the number has no name
	Raw      [6]uint64 // as in the registers
	Args     []string  // decoded for people: flags by name; memory quoted, escaped and cut
	Paths    []string  // path arguments and Unix socket paths, escaped, uncut
	// the first path argument as in memory: for look-ups, not for printing; nil: unreadable
	Path  *string
	Errno syscall.Errno // the proposed answer: EPERM, or ENOSYS for a number without a name
	First bool          // the first execve of this listener, which starts the tool

	listener int
}

// Waiting reports whether the task still waits for its answer. Call it after opening something
// below /proc/PID: true means that this belongs to the task, and not to another one that got its
// number.
func (c *Call) Waiting() bool { return idValid(c.listener, c.ID) }

// Answer is what the program gets. Errno 0 without Continue is answered as EPERM.
type Answer struct {
	Errno syscall.Errno // positive, as the program will see it
	// Continue lets the kernel execute the call. It is for the first execve only: for any other
	// call, the program could change the arguments in memory after they were checked.
	Continue bool
	// Done: the supervisor has done what the call asks for. The call returns Result.
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
