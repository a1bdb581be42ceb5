package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
)

// runBare runs a program with the policy `none`: no sandbox, for comparison. Only the timeout applies.
func runBare(ctx context.Context, spec Spec, p Process) (*Result, error) {
	recorder, err := monitor.New(monitor.Config{Sandbox: newID(), Policy: spec.Policy.Name, Sinks: spec.Sinks, Rules: spec.Policy.Rules})
	if err != nil {
		return nil, err
	}
	if limit := time.Duration(spec.Policy.Limits.Timeout); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	cmd := exec.CommandContext(ctx, p.Args[0], p.Args[1:]...)
	cmd.Dir, cmd.Env = p.Dir, append(os.Environ(), p.Env...)
	// Not through a pipe of ours: the descriptors themselves.
	if p.Stdin != nil {
		cmd.Stdin = p.Stdin
	}
	if p.Stdout != nil {
		cmd.Stdout = p.Stdout
	}
	if p.Stderr != nil {
		cmd.Stderr = p.Stderr
	}
	res := &Result{ExecutionID: newID(), Policy: spec.Policy.Name, Command: p.Args, Timestamp: time.Now().UTC(),
		MemoryUsed: -1, ProcessesPeak: -1, Limits: map[string]LimitState{}, Layers: Layers{}}
	for _, layer := range allLayers() {
		res.Layers[layer] = Off
	}
	if t := time.Duration(spec.Policy.Limits.Timeout); t > 0 {
		res.Limits["timeout"] = LimitState{t.Milliseconds(), backendClock}
	}
	err = cmd.Run()
	res.ExecutionTime = Seconds(time.Since(res.Timestamp))
	if cmd.ProcessState == nil {
		recorder.Close(ctx)
		return nil, bareError(p.Args[0], err)
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	res.CPUTime = Seconds(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime())
	res.MemoryUsed = usage.Maxrss << 10
	ws := cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		res.Status, res.ExitCode = StatusTimeout, exitTimeout
		recorder.Record(monitor.Event{Type: monitor.TimeoutExceeded, Action: "kill", Limit: &monitor.Limit{Name: "timeout",
			Value: res.Limits["timeout"].Value, Observed: time.Duration(res.ExecutionTime).Milliseconds(), Backend: backendClock}})
	case ws.Signaled():
		res.Status, res.Signal, res.ExitCode = StatusSignaled, unix.SignalName(unix.Signal(ws.Signal())), 128+int(ws.Signal())
	case ws.ExitStatus() == 0:
		res.Status, res.Success = StatusOK, true
	default:
		res.Status, res.ExitCode = StatusFailed, ws.ExitStatus()
	}
	flush, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	res.EventStats, res.Events = recorder.Close(flush), recorder.Events()
	return res, nil
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
