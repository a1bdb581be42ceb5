package runtime

import (
	"cmp"
	"io"

	"github.com/mcpbox/mcpbox/egress/secret"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
)

// Spec describes a sandbox.
type Spec struct {
	Policy     *policies.Policy // resolved; required
	BestEffort bool             // go on without layers that the policy requires; the result names them
	Sinks      []monitor.Sink   // owned by the sandbox from Start on, also if Start fails
	Files      []File           // made in the sandbox's own storage before anything runs

	// Secrets say where the values of the policy's secrets come from, by their names. They are read
	// at the start, and don't get into the sandbox.
	Secrets map[string]secret.Source

	// Cells makes it a sandbox of cells: at most that many at once, each with the policy's limits, and no
	// other processes. 0: processes, no cells.
	Cells int

	// Quarantine, if not nil, is called when a rule asks for quarantine. By then every program in the
	// sandbox has stopped and its network is cut. Nil: quarantine ends the sandbox. In a sandbox of
	// cells it always does.
	Quarantine func(monitor.Event)
}

// File is one file of the sandbox's own storage: below /work, /tmp or /home/user, with the folders that it lies in. It
// belongs to the tool.
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

	// Nil is /dev/null. An *os.File is passed on as it is, unless the policy limits the output; anything
	// else is copied through a pipe. A Stdin that blocks for ever does not hold up Wait.
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	Files []File         // made in the storage of its cell; not for processes without a cell: see Spec.Files
	Umask *uint32        // file mode mask; nil: the caller's at the sandbox's start
	Sinks []monitor.Sink // for this process's events, besides the sandbox's. Wait closes them; a Start that fails does not

	TTY bool // a pty of the sandbox's own; Stdin and Stdout are its outside ends

	// Rows and Cols are the pty's window size. Zero: that of Stdin, if it is a terminal.
	Rows, Cols uint16

	// BeforeExec, if not nil, is called when every layer is on and verified, right before execve. The
	// program can't have done anything yet.
	BeforeExec func(*Process)

	// Hold is for a program that starts and then waits for its call: limits of time and the usage count
	// from Process.Begin. Until then ctx is the waiting's.
	Hold bool

	// Call names the MCP calls in flight, for the events that this process causes. Nil: none. It must
	// not block.
	Call func() *monitor.Call

	// Reached, if not nil, is called when a connection to a host that the policy allows by name has
	// ended, with the MCP call that it began in. It is called from several goroutines.
	Reached func(Connections, *monitor.Call)
}

// wireFiles are files as PID 1 and cells make them.
func wireFiles(files []File) (out []rootfs.File) {
	for _, f := range files {
		out = append(out, rootfs.File{Path: f.Path, Mode: cmp.Or(f.Mode&0o777, 0o644), Data: f.Data})
	}
	return out
}

// attributed adds the call that the process is at work for.
func (c Command) attributed(e monitor.Event) monitor.Event {
	if c.Call != nil && e.Call == nil {
		e.Call = c.Call()
	}
	return e
}

// options are for tests. The zero value changes nothing.
type options struct {
	stateDir string // instead of root's folder of running sandboxes
	// step is called after each step of a start; its error makes the start fail there.
	step func(name string) error
	// tamper takes a layer away on the sly, to show that verification finds it missing.
	tamper func(*initproto.SpawnBody)
}

func (o options) passed(step string) error {
	if o.step == nil {
		return nil
	}
	return o.step(step)
}
