package seccomp

import (
	"os"
	"syscall"
)

// Call is one refused system call, with the program waiting for its answer.
type Call struct {
	ID       uint64        // the kernel's cookie
	PID      int           // the calling thread, as the listener's PID namespace sees it; 0 if it does not
	Arch     uint32        // AUDIT_ARCH_*
	ArchName string        // i386, x32 …; "" for the machine's own
	Number   int           // in Arch's table
	Name     string        // "" if the number has no name
	Raw      [6]uint64     // as in the registers
	Args     []string      // decoded for people: flags by name, memory as quoted, escaped, cut text
	Paths    []string      // path arguments and Unix socket paths, escaped, uncut
	Path     *string       // the first path argument as it is in memory, for looking up, never for printing; nil: unreadable
	Errno    syscall.Errno // the proposed answer: EPERM, or ENOSYS for a number without a name
	First    bool          // the first execve of this listener: the one that starts the tool

	listener int
}

// Waiting reports whether the task still waits for its answer. Asked after something was opened below /proc/PID, it says
// that this was the task's, and not that of another one that got its number.
func (c *Call) Waiting() bool { return idValid(c.listener, c.ID) }

// Answer is what the program gets. Errno 0 without Continue is answered as EPERM.
type Answer struct {
	Errno syscall.Errno // positive, as the program will see it
	// Continue lets the kernel execute the call after all. It is meant for the first
	// execve only: for any other call the program could change the arguments in
	// memory after they were looked at.
	Continue bool
	// Done: the supervisor has done what was asked; the call succeeds with 0.
	Done bool
	// File, if not nil, makes an open succeed: the program gets a descriptor of it, and Serve closes it. Linux ≥ 5.9
	File        *os.File
	CloseOnExec bool // of that descriptor
}

// Stats counts what a listener did. Seen = Answered + Gone once Serve has returned.
type Stats struct {
	Seen     uint64 // received from the kernel
	Answered uint64
	Gone     uint64 // the calling task was gone (or interrupted) before the answer
}
