package launch

import (
	"context"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/monitor"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// Usage is what a server's processes have used so far; -1: unknown.
type Usage struct {
	CPU        time.Duration
	Memory     int64 // now
	MemoryPeak int64
}

// Server is a started server.
type Server interface {
	Stdin() io.WriteCloser
	Stdout() io.Reader
	Sandbox() string // its id
	Root() string    // a path through which its file system can be seen, or ""
	Dir() string     // its working directory
	Record(monitor.Event)
	Signal(unix.Signal)
	Usage() Usage
	Done() <-chan struct{} // closed when the server's process has ended
	// Stop kills what is left of it. After it, Stdout comes to its end. Events are still recorded.
	Stop()
	// End takes the sandbox down, after Stop.
	End() (*mcpruntime.Result, error)
}

// Func starts a server. call names the calls that are in flight to it.
type Func func(ctx context.Context, call func() *monitor.Call) (Server, error)
