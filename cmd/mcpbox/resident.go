package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/code"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/steady"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/pool"
	"github.com/mcpbox/mcpbox/resident"
	"github.com/mcpbox/mcpbox/rootfs"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

func newResidentCmd() *cobra.Command {
	idle := 10 * time.Minute
	var status, stop bool
	cmd := &cobra.Command{
		Use:   "resident",
		Short: "Keep sandboxes ready for `mcpbox run --resident` and `mcpbox code --resident`",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := mcpruntime.StateDir()
			if err != nil {
				return err
			}
			if status {
				path, pid, err := resident.Find(dir)
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "a resident listens on %s (pid %d)\n", path, pid)
				}
				return err
			}
			if stop {
				return resident.Stop(cmd.Context(), dir)
			}
			listener, err := resident.Listen(dir)
			if err != nil {
				return err
			}
			ctx, cancel := signal.NotifyContext(cmd.Context(), unix.SIGINT, unix.SIGTERM)
			defer cancel()
			served := newServedRuns()
			defer served.pool.Close()
			return listener.Serve(ctx, idle, served.handle)
		},
	}
	cmd.Flags().BoolVar(&status, "status", false, "say whether a resident runs: exit code 0 if so")
	cmd.Flags().BoolVar(&stop, "stop", false, "end the resident, and the commands that it runs")
	cmd.Flags().DurationVar(&idle, "idle", idle, "end after a `DURATION` without a command")
	return cmd
}

// homes are the variables that say where a user's files are. A front with others starts by itself.
var homes = []string{"HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"}

// residentWanted is the default of --resident. The front, which runs before, reads it too.
func residentWanted() bool { return os.Getenv("MCPBOX_RESIDENT") == "1" }

// startResident starts one in the background. The command at hand does not wait for it.
func startResident() {
	dir, err := mcpruntime.StateDir()
	if err != nil || resident.Listening(dir) == nil { // it has left the command to us
		return
	}
	self, err := os.Executable()
	if err != nil {
		return
	}
	cmd := exec.Command(self, "resident")
	cmd.Dir = "/"
	for _, name := range append([]string{"PATH", "XDG_RUNTIME_DIR"}, homes...) {
		if v, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if cmd.Start() == nil {
		_ = cmd.Process.Release()
	}
}

// servedRuns runs fronts' commands in the pool.
type servedRuns struct {
	pool  *pool.Pool
	mu    sync.Mutex
	known map[string]*policies.Policy // by digest: the pool knows a policy by its address
	code  *code.Pool
	umask uint32
}

func newServedRuns() *servedRuns {
	s := &servedRuns{pool: pool.New(pool.Config{}), known: map[string]*policies.Policy{}}
	s.code = code.NewPool(s.pool)
	mask := unix.Umask(0)
	unix.Umask(mask)
	s.umask = uint32(mask)
	return s
}

func (s *servedRuns) handle(ctx context.Context, r *resident.Request,
	signals <-chan resident.Signal) (int, error) {
	var cold bool
	c := &caller{stdin: r.Stdin, stdout: r.Stdout, stderr: r.Stderr, umask: &r.Umask, served: true,
		lookupEnv: r.LookupEnv, in: r.In,
		signals: func(ctx context.Context) (context.Context, func(*mcpruntime.Process)) {
			return passSignals(ctx, r.Stdin, signals)
		},
		run: func(ctx context.Context, spec mcpruntime.Spec,
			command mcpruntime.Command) (*mcpruntime.Result, error) {
			res, err := s.run(ctx, r, spec, command)
			if err != nil {
				closeSinks(spec.Sinks)
			}
			cold = errors.Is(err, resident.ErrCold)
			return res, err
		},
	}
	c.runner = func(runner *code.Runner) error {
		if cold = !s.code.Takes(runner.Policy) || !sameHomes(r); cold {
			return resident.ErrCold
		}
		if *c.umask == s.umask {
			c.umask = nil // an interpreter that waits has the resident's
		}
		return s.own(r, runner)
	}
	stderr := r.Stderr
	args := append([]string(nil), r.Args...)
	code := execute(context.WithValue(ctx, callerKey{}, c), args, &unlessCold{steady.File(stderr),
		&cold})
	if cold {
		return 0, resident.ErrCold
	}
	return code, nil
}

// unlessCold leaves the words to the front when the command is the front's.
type unlessCold struct {
	to   io.Writer
	cold *bool
}

func (u *unlessCold) Write(p []byte) (int, error) {
	if *u.cold {
		return len(p), nil
	}
	return u.to.Write(p)
}

func sameHomes(r *resident.Request) bool {
	for _, name := range homes {
		own, _ := os.LookupEnv(name)
		if its, _ := r.LookupEnv(name); its != own {
			return false
		}
	}
	return true
}

// own gives a Runner the pool, and what its policy passes from the front's environment.
func (s *servedRuns) own(r *resident.Request, runner *code.Runner) error {
	policy := *runner.Policy
	policy.Environment.Set = maps.Clone(policy.Environment.Set)
	if policy.Environment.Set == nil {
		policy.Environment.Set = map[string]string{}
	}
	for _, name := range policy.Environment.Pass {
		v, ok := r.LookupEnv(name)
		if _, set := policy.Environment.Set[name]; ok && !set {
			policy.Environment.Set[name] = v
		}
	}
	policy.Environment.Pass = nil
	known, err := s.knownAs(&policy)
	runner.Policy, runner.Pool, runner.Caller = known, s.code, "front"
	return err
}

func (s *servedRuns) run(ctx context.Context, r *resident.Request, spec mcpruntime.Spec,
	command mcpruntime.Command) (*mcpruntime.Result, error) {
	rest, workspace, err := workspaceOf(r, spec.Policy)
	if err != nil {
		return nil, err
	}
	if workspace != nil {
		defer workspace.Folder.Close()
		command.Workspace = workspace
	}
	if mcpruntime.CheckCells(rest) != nil {
		return nil, resident.ErrCold
	}
	policy := *rest
	var env []string // what the policy passes is the front's, not the resident's
	for _, name := range policy.Environment.Pass {
		if v, ok := r.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	policy.Environment.Pass = nil
	command.Env, command.Sinks = append(env, command.Env...), spec.Sinks
	known, err := s.knownAs(&policy)
	if err != nil {
		return nil, err
	}
	res, err := s.pool.Run(ctx, pool.Call{Caller: "front", Policy: known, Command: command,
		BestEffort: spec.BestEffort})
	var busy *pool.BusyError
	switch {
	case errors.As(err, &busy):
		return nil, hint.Wrap(err, "run it without --resident, or wait")
	case errors.Is(err, mcpruntime.ErrWorkspace): // a sandbox that is started with the mount may do
		return nil, resident.ErrCold
	}
	return res, err
}

// workspaceOf opens the folder that the policy mounts on /work. The call brings it, so that cells
// are shared by calls with all folders. rest is what is left of the policy.
func workspaceOf(r *resident.Request, p *policies.Policy) (rest *policies.Policy,
	w *mcpruntime.Workspace, err error) {
	rest, mount, ok := mcpruntime.SplitWorkspace(p)
	if !ok {
		return p, nil, nil
	}
	err = r.In(func() error {
		path, err := rootfs.ResolveSource(mount.Source)
		if err != nil {
			return err
		}
		const flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
		fd, err := unix.Open(path, flags, 0)
		if err != nil {
			return fmt.Errorf("open the workspace %s: %w", path, err)
		}
		w = &mcpruntime.Workspace{Folder: os.NewFile(uintptr(fd), path),
			ReadOnly: mount.Mode != policies.ReadWrite}
		return nil
	})
	return rest, w, err
}

// passSignals is catchSignals for a front's.
func passSignals(parent context.Context, stdin *os.File,
	signals <-chan resident.Signal) (context.Context, func(*mcpruntime.Process)) {
	ctx, cancel := context.WithCancelCause(parent)
	running := make(chan *mcpruntime.Process, 1)
	go func() {
		var p *mcpruntime.Process
		for {
			select {
			case p = <-running:
			case s, ok := <-signals:
				switch {
				case !ok: // the front is gone, and with it whoever waits for the program
					cancel(context.Canceled)
					return
				case p == nil && s.Signal == unix.SIGWINCH:
				case p == nil:
					cancel(interrupted(s.Signal))
				case s.Signal == unix.SIGWINCH && resize(p, stdin): // the kernel tells it
				case s.Group:
					_ = p.SignalGroup(s.Signal)
				default:
					_ = p.Signal(s.Signal)
				}
			}
		}
	}()
	return ctx, func(p *mcpruntime.Process) { running <- p }
}

// resize gives the program's terminal the size of the front's. It returns false if the program has
// none.
func resize(p *mcpruntime.Process, terminal *os.File) bool {
	size, err := unix.IoctlGetWinsize(int(terminal.Fd()), unix.TIOCGWINSZ)
	return err == nil && p.Resize(size.Row, size.Col) == nil
}

func closeSinks(sinks []monitor.Sink) {
	for _, sink := range sinks {
		_ = sink.Close()
	}
}
