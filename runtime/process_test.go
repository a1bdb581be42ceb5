package runtime

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
)

// startBox starts a sandbox that the test's end closes.
func startBox(t *testing.T, p *policies.Policy) *Sandbox { return startBoxOf(t, p, 0) }

// startBoxOf starts a sandbox of this many cells.
func startBoxOf(t *testing.T, p *policies.Policy, cells int) *Sandbox {
	t.Helper()
	box, err := start(t.Context(), Spec{Policy: p, BestEffort: true, Cells: cells}, privateState(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	return box
}

// both runs a test in a sandbox and with policy none, because the API is the same.
func both(t *testing.T, test func(t *testing.T, box *Sandbox)) {
	for _, name := range []string{"standard", "none"} {
		t.Run(name, func(t *testing.T) {
			if name != "none" {
				testhost.Need(t, "sandbox")
			}
			p, err := policies.Preset(name)
			if err != nil {
				t.Fatal(err)
			}
			test(t, startBox(t, p))
		})
	}
}

func sh(script string) Command { return Command{Args: []string{"sh", "-c", script}} }

func finish(t *testing.T, box *Sandbox, cmd Command) *Result {
	t.Helper()
	p, err := box.Start(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	res, err := p.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestAnyReaderAndWriterIsAStream(t *testing.T) {
	both(t, func(t *testing.T, box *Sandbox) {
		var out, err bytes.Buffer
		cmd := sh("cat; echo err >&2; exit 3")
		cmd.Stdin = strings.NewReader(strings.Repeat("x", 1<<20))
		cmd.Stdout, cmd.Stderr = &out, &err
		res := finish(t, box, cmd)
		if out.Len() != 1<<20 || err.String() != "err\n" || res.ExitCode != 3 ||
			res.Status != StatusFailed || res.Err != nil {
			t.Errorf("%d bytes, %q, %+v", out.Len(), err.String(), res)
		}
		out.Reset()
		cmd = sh("for i in 1 2 3; do echo a; echo b >&2; done")
		cmd.Stdout, cmd.Stderr = &out,
			&out // one writer: never used by two goroutines at once, and the order stays
		if finish(t, box, cmd); out.String() != "a\nb\na\nb\na\nb\n" {
			t.Errorf("together: %q", out.String())
		}
	})
}

// PID 1 itself has a larger one.
func TestAProgramHasTheTimerSlackOfItsCaller(t *testing.T) {
	both(t, func(t *testing.T, box *Sandbox) {
		own, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		cmd := Command{Args: []string{"cat", "/proc/self/timerslack_ns"}, Stdout: &out}
		if finish(t, box, cmd); out.String() != fmt.Sprintln(own) {
			t.Errorf("%q, not %d", out.String(), own)
		}
	})
}

func TestAProgramThatDoesNotStartEndsNothingElse(t *testing.T) {
	both(t, func(t *testing.T, box *Sandbox) {
		for range 20 {
			if _, err := box.Start(t.Context(),
				Command{Args: []string{"no-such-program"}}); !errors.Is(err, ErrNotFound) ||
				Hint(err) == "" {
				t.Fatalf("error %v, hint %q", err, Hint(err))
			}
			if _, err := box.Start(t.Context(), Command{}); err == nil || Hint(err) == "" {
				t.Fatalf("without a command: %v", err)
			}
			if res := finish(t, box, sh("exit 0")); !res.Success {
				t.Fatalf("the sandbox did not live on: %+v", res)
			}
		}
	})
}

func TestANilPolicyIsAnError(t *testing.T) {
	if _, err := Start(t.Context(), Spec{}); err == nil || Hint(err) == "" {
		t.Errorf("error %v, hint %q", err, Hint(err))
	}
}

func TestAContextEndsOnlyItsProcess(t *testing.T) {
	both(t, func(t *testing.T, box *Sandbox) {
		other, err := box.Start(t.Context(), Command{Args: []string{"sleep", "1000"}})
		if err != nil {
			t.Fatal(err)
		}
		boom := errors.New("boom")
		canceled, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		late, expire := context.WithCancelCause(t.Context()) // as a deadline does
		defer expire(nil)
		for _, c := range []struct {
			ctx    context.Context
			want   error
			status Status
			code   int
		}{
			{canceled, boom, StatusCanceled, 137},
			{late, context.DeadlineExceeded, StatusTimeout, 124},
		} {
			p, err := box.Start(c.ctx, sh("sleep 1000 & sleep 1000"))
			if err != nil {
				t.Fatal(err)
			}
			cancel(boom)
			if c.ctx == late {
				expire(context.DeadlineExceeded)
			}
			res, err := p.Wait()
			if err != nil || !errors.Is(res.Err, c.want) || res.Status != c.status ||
				res.ExitCode != c.code || res.Success {
				t.Errorf("%v: %v, %+v", c.want, err, res)
			}
		}
		select {
		case <-other.Done():
			t.Error("the other process ended with it")
		default:
		}
		if err := box.Close(); err != nil {
			t.Error(err)
		}
		if res, err := other.Wait(); err != nil || box.spec.Policy.Name != "none" &&
			!errors.Is(res.Err, ErrClosed) || res.Signal != "SIGKILL" {
			t.Errorf("ended by Close: %v, %+v", err, res)
		}
		if _, err := box.Start(t.Context(), sh("true")); !errors.Is(err, ErrClosed) {
			t.Errorf("a start after Close: %v", err)
		}
	})
}

func TestASignalReachesTheProgram(t *testing.T) {
	both(t, func(t *testing.T, box *Sandbox) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		cmd := sh("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done")
		cmd.Stdout = w
		p, err := box.Start(t.Context(), cmd)
		w.Close()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(make([]byte, 8)); err != nil {
			t.Fatal(err)
		}
		if err := p.Signal(unix.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if res, _ := p.Wait(); res.ExitCode != 7 {
			t.Errorf("%+v", res)
		}
	})
}

// Processes that a program leaves behind end with it, whatever else runs in the sandbox: also a
// child that has left the process group, and a fork bomb.
func TestChildrenEndWithTheirProgram(t *testing.T) {
	testhost.Need(t, "sandbox")
	box := startBox(t, standard(t))
	for _, alone := range []bool{true, false} {
		var other *Process
		if !alone {
			var err error
			if other, err = box.Start(t.Context(), sh("sleep 1000 & wait")); err != nil {
				t.Fatal(err)
			}
		}
		for _, left := range []string{"sleep 1000 &", "setsid sleep 1000 &",
			"setsid sh -c 'trap \"\" TERM HUP; sleep 1000; :' &",
			"(while :; do (sleep 0.01 &) ; done) >/dev/null 2>&1 &"} {
			var seen bytes.Buffer
			finish(t, box, sh(left+" sleep 0.05"))
			look := sh("ps -e -o args= 2>/dev/null || cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
			look.Stdout = &seen
			finish(t, box, look)
			want := 0
			if !alone {
				want = 2
			}
			if got := strings.Count(seen.String(), "sleep"); got > want+1 {
				t.Errorf("alone %v: %q left something:\n%s", alone, left, seen.String())
			}
		}
		if other != nil {
			select {
			case <-other.Done():
				t.Error("another program's processes ended too")
			default:
			}
			other.Kill()
			<-other.Done()
		}
	}
}

func TestAResultHasTheEventsOfItsOwnProcess(t *testing.T) {
	testhost.Need(t, "sandbox")
	box := startBox(t, standard(t))
	attack := func(what string) *Result {
		return finish(t, box, Command{Args: []string{"python3", "-c",
			"import ctypes; ctypes.CDLL(None).syscall(" + what + ")"}})
	}
	testhost.Need(t, "python3")
	first, second := attack("101, 0, 0, 0, 0"), attack("165, 0, 0, 0, 0") // ptrace, mount
	for res, want := range map[*Result]string{first: "ptrace", second: "mount"} {
		if len(res.Events) != 1 || res.Events[0].Syscall == nil ||
			res.Events[0].Syscall.Name != want || res.EventStats.Seen != 1 {
			t.Errorf("want one event of %s: %+v, %+v", want, res.Events, res.EventStats)
		}
	}
	if first.ExecutionID == second.ExecutionID {
		t.Errorf("both are %s", first.ExecutionID)
	}
}

// After a panic in the caller's code, Close does not wait for ever.
func TestAPanicOfTheCallerIsPassedOn(t *testing.T) {
	testhost.Need(t, "sandbox")
	box := startBox(t, standard(t))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is gone")
			}
		}()
		cmd := sh("true")
		cmd.BeforeExec = func(*Process) { panic("the caller's") }
		_, _ = box.Start(t.Context(), cmd)
	}()
	if err := box.Close(); err != nil {
		t.Error(err)
	}
}

// If a start fails while the sandbox is being closed, it has no result, and Close waits for it.
func TestCloseDuringAStart(t *testing.T) {
	testhost.Need(t, "sandbox")
	for range 5 {
		box := startBox(t, standard(t))
		reached, closed := make(chan struct{}), make(chan error, 1)
		cmd := sh("sleep 1000")
		cmd.BeforeExec = func(*Process) { close(reached); <-box.Done() }
		go func() {
			<-reached
			closed <- box.Close()
		}()
		if p, err := box.Start(t.Context(), cmd); err == nil {
			if res, _ := p.Wait(); res.Success {
				t.Errorf("%+v", res)
			}
		}
		if err := <-closed; err != nil {
			t.Error(err)
		}
	}
	box := startBox(t, standard(t))
	started := make(chan error, 1)
	go func() {
		_, err := box.Start(t.Context(), Command{Args: []string{"no-such-program"}})
		started <- err
	}()
	if err := box.Close(); err != nil {
		t.Error(err)
	}
	if err := <-started; err == nil {
		t.Error("a misspelt command was started")
	}
}

// A supervisor ends its children in a loop while SIGCHLD comes from the first ones: kill(2) never
// fails with EINTR.
func TestSignalsDoNotInterruptKill(t *testing.T) {
	testhost.Need(t, "sandbox", "python3")
	const script = `
import os, signal, time
signal.signal(signal.SIGALRM, lambda s, f: None)
child = os.fork()
if child == 0:
    while True: time.sleep(60)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for i in range(20000): os.kill(child, 0)
signal.setitimer(signal.ITIMER_REAL, 0)
os.kill(child, 9)`
	res, err := Run(t.Context(), Spec{Policy: standard(t), BestEffort: true},
		Command{Args: []string{"python3", "-c", script}})
	if err != nil || res.ExitCode != 0 || len(res.Events) != 0 {
		t.Errorf("%v, %+v", err, res)
	}
}

// Wait frees everything that a process had, however many processes the sandbox runs.
func TestManyProcessesOfOneSandboxStayFlat(t *testing.T) {
	testhost.Need(t, "sandbox")
	box := startBox(t, standard(t))
	run := func(n int) {
		for range n {
			var out bytes.Buffer
			cmd := Command{Args: []string{"true"}, Stdin: strings.NewReader(""), Stdout: &out}
			if res := finish(t, box, cmd); !res.Success {
				t.Fatalf("%+v", res)
			}
		}
	}
	run(50)
	before, heap := takeFootprint(t), heapInUse()
	n := 300
	if _, err := fmt.Sscan(os.Getenv("MCPBOX_TEST_RUNS"), &n); err == nil {
		t.Logf("%d runs", n)
	}
	run(n)
	if left := before.left(t); left != "" {
		t.Error("left behind: " + left)
	}
	if grown := heapInUse() - heap; grown > 1<<20 {
		t.Errorf("the heap grew by %d bytes in %d runs", grown, n)
	}
}
