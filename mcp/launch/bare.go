package launch

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// bare is a server without a sandbox (policy none): the proxy's rules apply, nothing is contained.
type bare struct {
	*pipes
	cmd      *exec.Cmd
	recorder *monitor.Recorder
	began    time.Time
	policy   string
	done     chan struct{}

	once   sync.Once
	result *mcpruntime.Result
}

func startBare(spec mcpruntime.Spec, p mcpruntime.Process, e *pipes) (Server, error) {
	recorder, err := monitor.New(monitor.Config{Policy: spec.Policy.Name, Sinks: spec.Sinks, Rules: spec.Policy.Rules})
	if err != nil {
		e.close()
		return nil, err
	}
	cmd := exec.Command(p.Args[0], p.Args[1:]...)
	cmd.Dir, cmd.Env = p.Dir, append(os.Environ(), p.Env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Stdin, p.Stdout, p.Stderr
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		recorder.Close(context.Background())
		e.close()
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
			return nil, hint.Errorf("check the name and PATH", "%s: %w", p.Args[0], mcpruntime.ErrNotFound)
		}
		return nil, hint.Errorf("it needs an x bit", "%s: %w", p.Args[0], mcpruntime.ErrNotExecutable)
	}
	b := &bare{pipes: e, cmd: cmd, recorder: recorder, began: time.Now(), policy: spec.Policy.Name, done: make(chan struct{})}
	e.stdin.Close()
	e.stdout.Close()
	go func() {
		defer close(b.done)
		_ = cmd.Wait()
	}()
	return b, nil
}

func (b *bare) Stdin() io.WriteCloser  { return b.in }
func (b *bare) Stdout() io.Reader      { return b.out }
func (b *bare) Sandbox() string        { return "none" }
func (b *bare) Root() string           { return "/" }
func (b *bare) Dir() string            { dir, _ := filepath.Abs(b.cmd.Dir); return dir }
func (b *bare) Record(e monitor.Event) { b.recorder.Record(e) }
func (b *bare) Signal(s unix.Signal)   { _ = b.cmd.Process.Signal(s) }
func (b *bare) Done() <-chan struct{}  { return b.done }
func (b *bare) Usage() Usage           { return Usage{-1, -1, -1} }

func (b *bare) Stop() {
	_ = unix.Kill(-b.cmd.Process.Pid, unix.SIGKILL)
	<-b.done
}

func (b *bare) End() (*mcpruntime.Result, error) {
	b.once.Do(func() {
		b.Stop()
		b.in.Close()
		b.result = &mcpruntime.Result{Policy: b.policy, Command: b.cmd.Args, Timestamp: b.began.UTC(), ExecutionTime: mcpruntime.Seconds(time.Since(b.began)),
			Status: mcpruntime.StatusFailed, ExitCode: b.cmd.ProcessState.ExitCode(), MemoryUsed: -1, ProcessesPeak: -1,
			Limits: map[string]mcpruntime.LimitState{}, Layers: mcpruntime.Layers{}}
		if ws := b.cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
			b.result.Status, b.result.Signal, b.result.ExitCode = mcpruntime.StatusSignaled, unix.SignalName(ws.Signal()), 128+int(ws.Signal())
		} else if ws.ExitStatus() == 0 {
			b.result.Status, b.result.Success = mcpruntime.StatusOK, true
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		b.result.EventStats, b.result.Events = b.recorder.Close(ctx), b.recorder.Events()
	})
	return b.result, nil
}
