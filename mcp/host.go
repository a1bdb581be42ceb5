package mcp

import (
	"cmp"
	"context"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

const pipeSize = 1 << 20 // fewer turns between the processes for large messages

// Host starts servers in sandboxes of their own.
type Host struct {
	Spec    func() (mcpruntime.Spec, error) // a fresh one for every start: a sandbox owns its sinks
	Process mcpruntime.Process              // the command; Stdin and Stdout are the proxy's
	Started func(*mcpruntime.Running)       // may be nil
}

// Launch is for Config.Launch.
func (h *Host) Launch(ctx context.Context, call func() *monitor.Call) (Instance, error) {
	spec, err := h.Spec()
	if err != nil {
		return nil, err
	}
	p := h.Process
	p.Call = call
	ends, err := newEnds()
	if err != nil {
		return nil, err
	}
	p.Stdin, p.Stdout = ends.stdin, ends.stdout
	if spec.Policy.Isolation == policies.IsolationNone {
		return startBare(spec, p, ends)
	}
	b := &boxed{ends: ends, dir: cmp.Or(p.Dir, rootfs.Work), done: make(chan struct{})}
	if b.box, err = mcpruntime.Start(ctx, spec); err != nil {
		ends.close()
		return nil, err
	}
	if b.run, err = b.box.Spawn(ctx, p); err != nil {
		b.box.Close()
		ends.close()
		return nil, err
	}
	ends.stdin.Close()
	if spec.Policy.Limits.Output == 0 { // else the sandbox copies to it until the end
		ends.stdout.Close()
	}
	if h.Started != nil {
		h.Started(b.run)
	}
	go func() {
		defer close(b.done)
		b.run.Wait()
	}()
	return b, nil
}

// ends are the pipes' ends: the server's two and the proxy's two.
type ends struct{ stdin, in, out, stdout *os.File }

func newEnds() (*ends, error) {
	e := &ends{}
	var err error
	if e.stdin, e.in, err = os.Pipe(); err != nil {
		return nil, err
	}
	if e.out, e.stdout, err = os.Pipe(); err != nil {
		e.stdin.Close()
		e.in.Close()
		return nil, err
	}
	for _, f := range []*os.File{e.in, e.out} {
		if c, err := f.SyscallConn(); err == nil {
			c.Control(func(fd uintptr) { unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) }) // refused to some users: then it is as it was
		}
	}
	return e, nil
}

func (e *ends) close() {
	for _, f := range []*os.File{e.stdin, e.in, e.out, e.stdout} {
		f.Close()
	}
}

// boxed is a server in a sandbox.
type boxed struct {
	*ends
	box  *mcpruntime.Sandbox
	run  *mcpruntime.Running
	dir  string
	done chan struct{}

	once   sync.Once
	result *mcpruntime.Result
	err    error
}

func (b *boxed) Stdin() io.WriteCloser  { return b.in }
func (b *boxed) Stdout() io.Reader      { return b.out }
func (b *boxed) Sandbox() string        { return b.box.ID }
func (b *boxed) Root() string           { return b.run.Root() }
func (b *boxed) Dir() string            { return b.dir }
func (b *boxed) Record(e monitor.Event) { b.box.Record(e) }
func (b *boxed) Signal(s unix.Signal)   { b.run.Signal(s) }
func (b *boxed) Done() <-chan struct{}  { return b.done }

func (b *boxed) Usage() Usage {
	u := b.run.Usage()
	return Usage{CPU: u.CPU, Memory: u.MemoryCurrent, MemoryPeak: u.MemoryPeak}
}

func (b *boxed) Stop() {
	b.run.Stop()
	b.stdout.Close()
}

func (b *boxed) End() (*mcpruntime.Result, error) {
	b.once.Do(func() {
		b.Stop()
		b.result, b.err = b.box.Finish(b.run)
		b.in.Close()
	})
	return b.result, b.err
}
