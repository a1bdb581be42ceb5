package daemon

import (
	"context"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/server/api"
)

// ExitError carries the exit code of a command that ran in the daemon.
type ExitError int

func (e ExitError) Error() string { return "the command failed" }

// NewExecCmd makes `mcpbox exec`.
func NewExecCmd() *cobra.Command {
	var a Asking
	var req api.ExecRequest
	var env []string
	cmd := &cobra.Command{
		Use:   "exec [flags] SANDBOX -- CMD ARGS…",
		Short: "Run a command in a sandbox of the daemon, with its streams connected",
		Example: "  mcpbox exec s-0123456789abcdef -- ls -l\n" +
			"  mcpbox exec --tty s-0123456789abcdef -- bash",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 && args[1] == "--" {
				args = slices.Delete(args, 1, 2)
			}
			if len(args) < 2 || !isSandbox(args[0]) {
				return hint.Errorf(
					"mcpbox exec s-0123456789abcdef -- ls; mcpbox ps lists sandboxes",
					"give the id of a sandbox and a command")
			}
			req.Command, req.Env = args[1:], map[string]string{}
			for _, text := range env {
				key, value, ok := strings.Cut(text, "=")
				if !ok || key == "" {
					return hint.Errorf("--env LANG=C.UTF-8", "--env %q has no value", text)
				}
				req.Env[key] = value
			}
			return a.exec(cmd, args[0], req)
		},
	}
	a.Register(cmd)
	fl := cmd.Flags()
	fl.SetInterspersed(false)
	fl.BoolVarP(&req.TTY, "tty", "t", false, "give it a terminal of the sandbox's own")
	fl.StringVar(&req.Dir, "dir", "", "the folder that it starts in (default /work)")
	fl.StringArrayVar(&env, "env", nil, "set a variable: `K=V` (may be repeated)")
	fl.Float64Var(&req.Timeout, "timeout", 0, "end it after so many seconds")
	return cmd
}

func (a *Asking) exec(cmd *cobra.Command, id string, req api.ExecRequest) error {
	c, err := a.Dial()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	in := make(chan api.Message)
	if req.TTY {
		restore := raw(&req)
		defer restore()
	}
	go forward(ctx, in, req.TTY)
	go read(ctx, cmd.InOrStdin(), in)
	var result *api.Result
	err = c.ExecStream(ctx, id, req, in, copyTo(cmd.OutOrStdout(), cmd.ErrOrStderr(), &result))
	if err != nil || result == nil || result.ExitCode == 0 {
		return err
	}
	return ExitError(result.ExitCode)
}

// RunCode runs a snippet in the daemon. Its output comes as it is written, or, as JSON, with the
// rest of what became of it.
func (a *Asking) RunCode(ctx context.Context, req api.ExecutionRequest, asJSON bool,
	stdout, stderr io.Writer) error {
	c, err := a.Dial()
	if err != nil {
		return err
	}
	var x *api.Execution
	if asJSON {
		if x, err = c.Run(ctx, req); err == nil {
			err = printJSON(stdout, x)
		}
	} else {
		show := copyTo(stdout, stderr, nil)
		err = c.Stream(ctx, req, func(m api.Message) error {
			if m.Kind == api.KindResult {
				x = m.Execution
			}
			return show(m)
		})
	}
	if err != nil || x.Result == nil || x.Result.ExitCode == 0 {
		return err
	}
	return ExitError(x.Result.ExitCode)
}

// raw puts the caller's terminal into raw mode, if there is one, and takes its size.
func raw(req *api.ExecRequest) (restore func()) {
	fd := int(os.Stdin.Fd())
	if cols, rows, err := term.GetSize(fd); err == nil {
		req.Rows, req.Cols = uint16(rows), uint16(cols)
	}
	old, err := term.MakeRaw(fd)
	if err != nil {
		return func() {}
	}
	return func() { _ = term.Restore(fd, old) }
}

// forward passes signals on, and the size of the window.
func forward(ctx context.Context, in chan<- api.Message, tty bool) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1,
		unix.SIGUSR2, unix.SIGWINCH)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-signals:
			m := api.Message{Kind: api.KindSignal, Signal: unix.SignalName(s.(unix.Signal))}
			if s == unix.SIGWINCH {
				cols, rows, err := term.GetSize(int(os.Stdin.Fd()))
				if err != nil || !tty {
					continue
				}
				m = api.Message{Kind: api.KindResize, Rows: uint16(rows), Cols: uint16(cols)}
			}
			send(ctx, in, m)
		}
	}
}

// read passes the input on.
func read(ctx context.Context, from io.Reader, in chan<- api.Message) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			send(ctx, in, api.Chunk(api.KindStdin, append([]byte(nil), buf[:n]...)))
		}
		if err != nil {
			send(ctx, in, api.Message{Kind: api.KindEOF})
			return
		}
	}
}

func send(ctx context.Context, in chan<- api.Message, m api.Message) {
	select {
	case in <- m:
	case <-ctx.Done():
	}
}
