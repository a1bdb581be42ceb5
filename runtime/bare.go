package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime/internal/stdio"
)

// bare is the isolation of policy none: nothing is contained, for comparison. Only the timeout and
// the output limit apply.
type bare struct {
	mu       sync.Mutex
	children map[*program]bool
	ended    chan struct{}
}

func newBare() *bare { return &bare{children: map[*program]bool{}, ended: make(chan struct{})} }

func (b *bare) idMap() string { return "" }

func (b *bare) spawn(_ context.Context, p *Process, streams *stdio.Streams) error {
	cmd := exec.Command(p.cmd.Args[0], p.cmd.Args[1:]...)
	cmd.Dir, cmd.Env = p.cmd.Dir, append(os.Environ(), p.cmd.Env...)
	if streams == nil { // no pty either
		return hint.Errorf("leave --tty out", "policy none has no terminal")
	}
	files := streams.Files()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = files[0], files[1], files[2]
	// The program gets its own process group, so that its children can be killed with it. But not
	// on a terminal, which would stop it as a background job.
	group := !term.IsTerminal(int(files[0].Fd()))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: group}
	p.layers = noLayers()
	child := &program{bare: b, cmd: cmd, group: group,
		timeout: time.Duration(p.box.policy().Limits.Timeout)}
	b.mu.Lock()
	b.children[child] = true
	b.mu.Unlock()
	p.child = child
	return nil
}

func (b *bare) kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for child := range b.children {
		child.kill()
	}
}

func (b *bare) gone() <-chan struct{} { return b.ended }

func (b *bare) end() { // each child's Process waits for it
	b.kill()
	close(b.ended)
}

func (b *bare) close() error { return nil }

// program is a child without a sandbox.
type program struct {
	bare    *bare
	cmd     *exec.Cmd
	group   bool // it leads a process group
	timeout time.Duration

	mu      sync.Mutex
	running bool
}

func (c *program) exec(context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.cmd.Start(); err != nil {
		return bareError(c.cmd.Args[0], err)
	}
	c.running = true
	return nil
}

func bareError(command string, err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return hint.Errorf("check the name and PATH", "%s: %w", command, ErrNotFound)
	}
	if errors.Is(err, fs.ErrPermission) {
		return hint.Errorf("it needs an x bit", "%s: %w", command, ErrNotExecutable)
	}
	return fmt.Errorf("%s: %w: %w", command, ErrNotExecutable, err)
}

func (c *program) signal(sig unix.Signal, group bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.running {
		return os.ErrProcessDone
	}
	if group && c.group {
		return unix.Kill(-c.cmd.Process.Pid, sig)
	}
	return c.cmd.Process.Signal(sig)
}

func (c *program) alone() bool { return true }

func (c *program) kill() { _ = c.signal(unix.SIGKILL, true) }

func (c *program) wait() *exit {
	// Wait without reaping, so that its number, and its group's number, can't be reused.
	for unix.Waitid(unix.P_PID, c.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT,
		nil) == unix.EINTR {
	}
	c.kill()
	c.mu.Lock()
	c.running = false
	c.mu.Unlock()
	_ = c.cmd.Wait()
	state := c.cmd.ProcessState
	waited := cgroups.UnknownUsage()
	waited.CPU = state.UserTime() + state.SystemTime()
	if u, ok := state.SysUsage().(*syscall.Rusage); ok {
		waited.MemoryPeak = u.Maxrss << 10
	}
	ws, _ := state.Sys().(syscall.WaitStatus)
	return &exit{unix.WaitStatus(ws), waited}
}

func (c *program) release() {
	c.bare.mu.Lock()
	defer c.bare.mu.Unlock()
	delete(c.bare.children, c)
}

func (c *program) root() string { return "/" }

func (c *program) usage() cgroups.Usage { return cgroups.UnknownUsage() }

func (c *program) limits() map[string]LimitState {
	return clockLimits(policies.Limits{Timeout: policies.Duration(c.timeout)})
}

func (c *program) terminal() *os.File { return nil }

func (*program) countFromNow() time.Duration { return 0 }
