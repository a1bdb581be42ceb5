package pool

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime"
)

// echo waits for a line, and runs it as a script.
var echo = &Program{Args: []string{"sh", "-c", `printf R; read -r line; . /work/lib; eval "$line"`},
	Files: []runtime.File{{Path: "/work/lib", Data: []byte("lib() { echo lib; }\n")}}, Ready: 'R'}

func TestAProgramWaitsForItsCall(t *testing.T) {
	p := newPool(t, Config{MinWarm: 2})
	policy := preset(t, "standard")
	if err := p.PrepareProgram(t.Context(), policy, echo); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			var out, stderr bytes.Buffer
			var began *runtime.Process
			cmd := runtime.Command{Args: []string{"call"}, Stdin: strings.NewReader("rest"),
				Stdout: &out, Stderr: &stderr,
				BeforeExec: func(p *runtime.Process) { began = p }}
			res, err := p.Run(t.Context(), Call{Policy: policy, Command: cmd, Program: echo,
				Input: []byte("lib; echo x >&2; cat; exit 3\n")})
			if err != nil || res.ExitCode != 3 || out.String() != "lib\nrest" ||
				stderr.String() != "x\n" || began == nil ||
				res.Command[0] != "call" {
				t.Errorf("%v, %+v, %q, %q", err, res, out.String(), stderr.String())
			}
		})
	}
	wg.Wait()
	// Cells alone are of the same sandbox, and not mixed up with them.
	if res, err := p.Run(t.Context(), Call{Policy: policy, Command: sh("exit 4")}); err != nil ||
		res.ExitCode != 4 {
		t.Errorf("%v, %+v", err, res)
	}
	if s := p.Stats().Policies; len(s) != 1 || s[0].Sandboxes != 1 || s[0].Calls != 11 {
		t.Errorf("%+v", s)
	}
}

// What a program does before its call is refused and reported as in any call.
func TestTheEventsOfAProgramsStartAreItsCalls(t *testing.T) {
	testhost.Need(t, "python3")
	p := newPool(t, Config{})
	policy := preset(t, "strict")
	program := &Program{Args: []string{"/usr/bin/python3", "-c", `import os, socket, sys
try: socket.socket()
except OSError: pass
os.write(1, b"R")
sys.stdin.read()
try: socket.socket(socket.AF_INET6)
except OSError: pass`}, Ready: 'R'}
	if err := p.PrepareProgram(t.Context(), policy, program); err != nil {
		t.Fatal(err)
	}
	sink := &list{}
	cmd := runtime.Command{Args: []string{"call"}, Sinks: []monitor.Sink{sink},
		Call: func() *monitor.Call { return &monitor.Call{Tool: "t"} }}
	res, err := p.Run(t.Context(), Call{Policy: policy, Command: cmd, Program: program})
	sockets := 0
	if err == nil {
		for _, e := range res.Events {
			if e.Syscall != nil &&
				e.Syscall.Name == "socket" { // a slow host has others, about CPUs
				sockets++
			}
		}
	}
	if err != nil || !res.Success || sockets == 0 {
		t.Fatalf("%v, %+v", err, res)
	}
	// In the result, repeats are one event.
	if got := sink.events; len(got) < len(res.Events) {
		t.Errorf("the sink has %d events, the result %d", len(got), len(res.Events))
	}
}

func TestAProgramThatDiesOrIsNeverReady(t *testing.T) {
	p := newPool(t, Config{})
	policy := preset(t, "standard")
	never := &Program{Args: []string{"sh", "-c", "exit 3"}, Ready: 'R'}
	if _, err := p.Run(t.Context(), Call{Policy: policy, Command: sh(""),
		Program: never}); !errors.Is(err, ErrNotReady) {
		t.Errorf("error %v", err)
	}
	// One that is killed while it waits costs nobody a call.
	k, err := p.stock(Call{Policy: policy, Program: echo})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.mu.Lock()
	c := k.warm[0]
	k.mu.Unlock()
	c.held.Kill()
	<-c.held.Done()
	res, err := p.Run(t.Context(), Call{Policy: policy, Command: sh(""), Program: echo,
		Input: []byte("exit 5\n")})
	if err != nil || res.ExitCode != 5 {
		t.Errorf("%v, %+v", err, res)
	}
	if _, err := p.Run(t.Context(), Call{Policy: policy, Program: echo,
		Command: runtime.Command{Args: []string{"x"}, Dir: "/tmp"}}); err == nil ||
		runtime.Hint(err) == "" {
		t.Errorf("a folder for a program that runs: %v", err)
	}
}

func TestAHeldProgramsCallCanBeEnded(t *testing.T) {
	p := newPool(t, Config{})
	policy, short := preset(t, "standard"), preset(t, "standard")
	short.Limits.Timeout = policies.Duration(200 * time.Millisecond)
	run := func(ctx context.Context, policy *policies.Policy,
		before func(*runtime.Process)) *runtime.Result {
		t.Helper()
		cmd := sh("")
		cmd.BeforeExec = before
		res, err := p.Run(ctx, Call{Policy: policy, Command: cmd, Program: echo,
			Input: []byte("sleep 100\n")})
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	if res := run(t.Context(), short, nil); res.Status != runtime.StatusTimeout {
		t.Errorf("%+v", res)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if res := run(ctx, policy,
		func(*runtime.Process) { cancel() }); res.Status != runtime.StatusCanceled {
		t.Errorf("%+v", res)
	}
	if res := run(t.Context(), policy,
		func(p *runtime.Process) { _ = p.Signal(unix.SIGTERM) }); res.Signal != "SIGTERM" {
		t.Errorf("%+v", res)
	}
}

// list is a sink. The test looks at it when the process's sinks are closed.
type list struct{ events []monitor.Event }

func (l *list) Emit(e monitor.Event) error {
	l.events = append(l.events, e)
	return nil
}

func (l *list) Close() error { return nil }
