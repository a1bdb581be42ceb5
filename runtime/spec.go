package runtime

import (
	"os"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// Spec describes a sandbox.
type Spec struct {
	Policy     *policies.Policy // resolved
	BestEffort bool             // go on without layers that the policy requires; the result says which
	Sinks      []monitor.Sink   // owned by the sandbox from Start on
}

// Process describes one program to run in a sandbox. Nil descriptors are /dev/null.
type Process struct {
	Args   []string
	Env    []string // "K=V", over the policy's environment
	Dir    string   // inside; default /work
	Stdin  *os.File
	Stdout *os.File
	Stderr *os.File
	TTY    bool // a pty of the sandbox's own; Stdin and Stdout are its outside ends

	// Admitted, if not nil, is called when every layer is on and verified, right before execve: to say what is
	// missing, or to begin forwarding signals, before the program can do anything.
	Admitted func(*Running)

	// Call names the MCP calls in flight, for the events that this process causes; nil: none. It must not block.
	Call func() *monitor.Call
}

// attributed adds the call that the process is at work for.
func (p Process) attributed(e monitor.Event) monitor.Event {
	if p.Call != nil && e.Call == nil {
		e.Call = p.Call()
	}
	return e
}
