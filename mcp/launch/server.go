package launch

import (
	"context"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/monitor"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// Usage is the usage of a server's processes so far; -1: unknown.
type Usage struct {
	CPU        time.Duration
	Memory     int64 // now
	MemoryPeak int64
}

// Server is an MCP server that has started.
type Server interface {
	Stdin() io.WriteCloser
	Stdout() io.Reader
	Sandbox() string // its id
	Root() string    // the path on the host of the root of its file system; "": none
	Dir() string     // its working directory
	Record(monitor.Event)
	Signal(unix.Signal)
	Usage() Usage
	Done() <-chan struct{} // closed when the server's process has ended
	// Stop kills its processes. Then Stdout ends. Events are still recorded.
	Stop()
	// End stops the server and removes its sandbox.
	End() (*mcpruntime.Result, error)
}

// Func starts a server. call returns the calls in flight to the server, for events.
type Func func(ctx context.Context, call func() *monitor.Call) (Server, error)
