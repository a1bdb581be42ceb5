package monitor

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/steady"
)

type stderrSink struct {
	w   io.Writer
	dup *os.File
}

// NewStderr writes one short line per event for a person: "mcpbox: event: …".
func NewStderr(w io.Writer) Sink {
	s := &stderrSink{w: w}
	// A write to a closed pipe on descriptor 1 or 2 ends a Go program with SIGPIPE; on any other it
	// is an error.
	if f, ok := w.(*os.File); ok {
		if s.dup = duplicate(f); s.dup != nil {
			s.w = steady.File(s.dup)
		}
	}
	return s
}

func duplicate(f *os.File) (dup *os.File) {
	conn, err := f.SyscallConn() // Fd would change the caller's blocking mode
	if err != nil {
		return nil
	}
	_ = conn.Control(func(fd uintptr) {
		if n, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, 3); err == nil {
			dup = os.NewFile(uintptr(n), f.Name())
		}
	})
	return dup
}

func (s *stderrSink) String() string { return "stderr" }

func (s *stderrSink) Emit(e Event) error {
	_, err := io.WriteString(s.w, "mcpbox: event: "+e.Summary()+"\n")
	return err
}

func (s *stderrSink) Close() error {
	if s.dup != nil {
		return s.dup.Close()
	}
	return nil
}

// Summary returns the event in one short line: severity, type, what happened, which process, how
// often.
func (e Event) Summary() string {
	e = Bound(e)
	parts := []string{string(e.Severity), string(e.Type) + ":", e.What()}
	if e.Action != "" {
		parts = append(parts, "→ "+e.Action)
	}
	if e.Comm != "" || e.PID != 0 {
		parts = append(parts, fmt.Sprintf("by %s[%d]", e.Comm, e.PID))
	}
	if e.Call != nil && e.Call.Tool != "" {
		parts = append(parts, "in "+e.Call.Tool)
	}
	if e.Count > 1 {
		parts = append(parts, fmt.Sprintf("×%d", e.Count))
	}
	return strings.Join(parts, " ")
}

// What returns the subject of the event: the call with its arguments, the limit, or the reason.
func (e Event) What() string {
	switch {
	case e.Syscall != nil:
		name := e.Syscall.Name
		if e.Syscall.Arch != "" {
			name += "@" + e.Syscall.Arch
		}
		return name + "(" + text(strings.Join(e.Syscall.Args, ", "), 96) + ")"
	case e.Limit != nil:
		return fmt.Sprintf("%s limit %s", e.Limit.Name, limitAmount(e.Limit.Name, e.Limit.Value))
	}
	return e.Reason
}
