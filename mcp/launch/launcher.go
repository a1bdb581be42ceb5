package launch

import (
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

const pipeSize = 1 << 20 // fewer context switches for large messages

// Launcher starts servers, each in its own sandbox.
type Launcher struct {
	Spec    func() (mcpruntime.Spec, error) // called for every start: a sandbox owns its sinks
	Command mcpruntime.Command              // without Stdin and Stdout, which the proxy uses
	Started func(*mcpruntime.Process)       // may be nil
	// Reached is called for each ended connection to an allowed host, with the sandbox's id and the
	// call in which the connection began. It may be nil.
	Reached func(sandbox string, c mcpruntime.Connections, call *monitor.Call)
}

// Launch starts a server. Use it as Config.Launch of the proxy.
func (h *Launcher) Launch(ctx context.Context, call func() *monitor.Call) (Server, error) {
	spec, err := h.Spec()
	if err != nil {
		return nil, err
	}
	cmd := h.Command
	cmd.Call = call
	ends, err := newPipes()
	if err != nil {
		return nil, err
	}
	cmd.Stdin, cmd.Stdout = ends.stdin, ends.stdout
	b := &sandboxed{pipes: ends, dir: insideDir(spec, cmd.Dir)}
	if b.box, err = mcpruntime.Start(ctx, spec); err != nil {
		ends.close()
		return nil, err
	}
	if h.Reached != nil {
		cmd.Reached = func(c mcpruntime.Connections,
			call *monitor.Call) {
			h.Reached(b.box.ID, c, call)
		}
	}
	// ctx only bounds the start. The server outlives ctx.
	life, end := context.WithCancelCause(context.WithoutCancel(ctx))
	started := context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	b.run, err = b.box.Start(life, cmd)
	started()
	if err != nil {
		_ = b.box.Close()
		ends.close()
		return nil, err
	}
	ends.stdin.Close()
	if spec.Policy.Limits.Output == 0 { // with a limit, the sandbox writes to it until the end
		ends.stdout.Close()
	}
	if h.Started != nil {
		h.Started(b.run)
	}
	return b, nil
}

// insideDir returns the server's working directory inside the sandbox.
func insideDir(spec mcpruntime.Spec, dir string) string {
	if spec.Policy.Isolation != policies.IsolationNone {
		return cmp.Or(dir, rootfs.Work)
	}
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}

// pipes holds the ends of both pipes: two for the server and two for the proxy.
type pipes struct{ stdin, in, out, stdout *os.File }

func newPipes() (*pipes, error) {
	e := &pipes{}
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
			// Some users may not enlarge pipes. Then the pipes keep their size.
			_ = c.Control(func(fd uintptr) {
				_,
					_ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize)
			})
		}
	}
	return e, nil
}

func (e *pipes) close() {
	for _, f := range []*os.File{e.stdin, e.in, e.out, e.stdout} {
		f.Close()
	}
}

// sandboxed is a server in a sandbox.
type sandboxed struct {
	*pipes
	box *mcpruntime.Sandbox
	run *mcpruntime.Process
	dir string

	once   sync.Once
	result *mcpruntime.Result
	err    error
}

func (b *sandboxed) Stdin() io.WriteCloser  { return b.in }
func (b *sandboxed) Stdout() io.Reader      { return b.out }
func (b *sandboxed) Sandbox() string        { return b.box.ID }
func (b *sandboxed) Root() string           { return b.run.Root() }
func (b *sandboxed) Dir() string            { return b.dir }
func (b *sandboxed) Record(e monitor.Event) { b.run.Record(e) }
func (b *sandboxed) Signal(s unix.Signal)   { _ = b.run.Signal(s) }
func (b *sandboxed) Done() <-chan struct{}  { return b.run.Done() }

func (b *sandboxed) Usage() Usage {
	u := b.run.Usage()
	return Usage{CPU: u.CPU, Memory: u.MemoryCurrent, MemoryPeak: u.MemoryPeak}
}

func (b *sandboxed) Stop() {
	b.run.Kill()
	<-b.run.Done()
	b.stdout.Close()
}

func (b *sandboxed) End() (*mcpruntime.Result, error) {
	b.once.Do(func() {
		b.Stop()
		b.result, b.err = b.run.Wait()
		if err := b.box.Close(); b.err == nil {
			b.err = err
		}
		b.in.Close()
	})
	return b.result, b.err
}
