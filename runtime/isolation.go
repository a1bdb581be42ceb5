package runtime

import (
	"context"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/runtime/internal/stdio"
)

// isolation is the place where a sandbox starts its processes: a container, or the host itself
// (policy none).
type isolation interface {
	// idMap is the kind of id map, "" for none.
	idMap() string
	// spawn is a spawner.
	spawn(ctx context.Context, p *Process, streams *stdio.Streams) error
	// kill ends every process. It does not wait.
	kill()
	// gone is closed when nothing can run any more.
	gone() <-chan struct{}
	// end kills every process and waits for their ends.
	end()
	// close removes what there is on the host, after end.
	close() error
}

// spawner prepares a process's program, up to its execve. It sets the process's layers, and its
// child before anything can end the child.
type spawner func(ctx context.Context, p *Process, streams *stdio.Streams) error

// child is a program that waits for its execve, and then runs.
type child interface {
	exec(ctx context.Context) error
	signal(sig unix.Signal, group bool) error
	alone() bool  // only its own processes end with it
	kill()        // kills the program, and with it everything that it started
	wait() *exit  // waits for its end; nil: it was killed with the whole sandbox
	release()     // waits for its last events, and frees its resources
	root() string // the path on the host of its root
	usage() cgroups.Usage
	limits() map[string]LimitState
	terminal() *os.File // the outside end of its pty, or nil
	// countFromNow excludes the usage so far, and returns the program's own CPU time so far.
	countFromNow() time.Duration
}

// exit is how a program ended.
type exit struct {
	status unix.WaitStatus
	waited cgroups.Usage // of it and its waited-for children, by wait4(2)
}
