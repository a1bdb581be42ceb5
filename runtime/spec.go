package runtime

import (
	"cmp"
	"crypto/x509"
	"io"
	"os"

	"github.com/mcpbox/mcpbox/egress/secret"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
	"github.com/mcpbox/mcpbox/runtime/internal/container"
)

// Spec describes a sandbox.
type Spec struct {
	Policy *policies.Policy // resolved; required
	// BestEffort starts without layers that the policy requires. The result names them.
	BestEffort bool
	Sinks      []monitor.Sink // owned by the sandbox from Start on, also if Start fails
	Files      []File         // created in the sandbox's own storage before anything runs

	// Secrets says where the values of the policy's secrets come from, by name. They are read at
	// the start, and never enter the sandbox.
	Secrets map[string]secret.Source

	// Roots are the authorities whose certificates mcpbox takes from hosts whose requests it reads:
	// those of the policy's secrets, and of entries with methods. nil: those of the host.
	Roots *x509.CertPool

	// Cells makes it a sandbox of cells: at most this many at once, each with the policy's limits,
	// and no other processes. 0: processes, no cells.
	Cells int

	// Open is for sandboxes of cells: their calls may have a Workspace and a TTY. The last layers
	// of an open cell are applied and verified with the call, not before it. That takes some tenths
	// of a millisecond longer.
	Open bool

	// Quarantine, if not nil, is called after a rule with the action quarantine: every program in
	// the sandbox has stopped, and its network is cut. If it is nil, and in a sandbox of cells,
	// quarantine ends the sandbox.
	Quarantine func(monitor.Event)
}

// File is a file to create in the sandbox's own storage: below /work, /tmp or /home/user. Its
// parent folders are created, too. The tool owns all of them.
type File struct {
	Path string
	Data []byte
	Mode uint32 // permission bits; 0 is 0644
}

// Command describes one program to run in a sandbox, as exec.Cmd does.
type Command struct {
	Args []string // the program and its arguments; a name without a slash is looked up in PATH
	Env  []string // "K=V", over the policy's environment
	Dir  string   // inside; default /work

	// Nil is /dev/null. An *os.File is passed on directly, unless the policy limits the output.
	// Anything else is copied through a pipe. A Stdin that blocks for ever does not block Wait.
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// Files are created in the storage of its cell. For processes without a cell use Spec.Files.
	Files []File
	Umask *uint32 // file mode mask; nil: the caller's at the sandbox's start
	// Sinks get this process's events, besides the sandbox's. Wait closes them; a Start that fails
	// does not.
	Sinks []monitor.Sink

	// Workspace, if not nil, is a folder of the host that the call sees as /work. For open cells.
	Workspace *Workspace

	TTY bool // use a pty of the sandbox; Stdin and Stdout are its outside ends

	// Rows and Cols are the pty's window size. Zero: the size of Stdin, if it is a terminal.
	Rows, Cols uint16

	// BeforeExec, if not nil, is called after every layer is applied and verified, right before
	// execve. The program has not run yet.
	BeforeExec func(*Process)
	// BeforeResult, if not nil, is called once, after the process has ended and before its result
	// is made: its last Record is in the result.
	BeforeResult func(*Process)

	// Hold is for a program that starts and then waits for its call: time limits and usage count
	// from Process.Begin. Until then, ctx bounds the waiting.
	Hold bool

	// Call names the MCP calls in flight, for the events that this process causes. Nil: none. It
	// must not block.
	Call func() *monitor.Call

	// Origin says for whom the process runs, for rules. Nil: nobody. It must not block.
	Origin func() monitor.Origin

	// Reached, if not nil, is called when a connection to a host that the policy allows by name has
	// ended, with the MCP call in which it began. Several goroutines may call it.
	Reached func(Connections, *monitor.Call)
}

// Workspace is a folder of the host that a call in an open cell sees as /work. Its owner appears as
// the tool, and what the tool creates there belongs to the owner, as with a mount of the policy's.
type Workspace struct {
	Folder   *os.File // opened by the caller; O_PATH is enough
	ReadOnly bool
}

// wireFiles converts files to the form that PID 1 and cells use.
func wireFiles(files []File) (out []rootfs.File) {
	for _, f := range files {
		out = append(out, rootfs.File{Path: f.Path, Mode: cmp.Or(f.Mode&0o777, 0o644),
			Data: f.Data})
	}
	return out
}

// attributed adds the MCP call that is in flight.
func (c *Command) attributed(e monitor.Event) monitor.Event {
	if c.Call != nil && e.Call == nil {
		e.Call = c.Call()
	}
	return e
}

// options are for tests. The zero value changes nothing.
type options struct {
	stateDir string // instead of root's folder of running sandboxes
	// step is called after each step of a start. If it returns an error, the start fails there.
	step func(name string) error
	// tamper and container secretly remove a layer, to show that verification detects this.
	tamper    func(*initproto.SpawnBody)
	container func(*container.Config)
}

func (o options) passed(step string) error {
	if o.step == nil {
		return nil
	}
	return o.step(step)
}
