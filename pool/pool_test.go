package pool

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime"
)

func preset(t testing.TB, name string) *policies.Policy {
	t.Helper()
	p, err := policies.Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newPool(t *testing.T, cfg Config) *Pool {
	t.Helper()
	testhost.Need(t, "sandbox")
	cfg.BestEffort, cfg.Wait = true, 5*time.Minute
	p := New(cfg)
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// runs is how many calls a test makes, n if nobody says.
func runs(n int) int {
	_, _ = fmt.Sscan(os.Getenv("MCPBOX_TEST_RUNS"), &n)
	return n
}

func sh(script string) runtime.Command {
	return runtime.Command{Args: []string{"sh", "-c", script}}
}

func TestManyCallsAtOnce(t *testing.T) {
	p := newPool(t, Config{Live: 8, Queue: 100})
	policy := preset(t, "standard")
	if err := p.Prepare(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	n := min(60, runs(60)) // fewer in a virtual machine
	for i := range n {
		wg.Go(func() {
			var out bytes.Buffer
			cmd := sh(`cat /tmp/* 2>/dev/null; echo ` + strconv.Itoa(i) + ` > /tmp/x; cat /tmp/x`)
			cmd.Stdout = &out
			res, err := p.Run(t.Context(), Call{Caller: strconv.Itoa(i % 3), Policy: policy,
				Command: cmd})
			if err != nil || !res.Success || out.String() != strconv.Itoa(i)+"\n" {
				t.Errorf("call %d: %v, %+v, %q", i, err, res, out.String())
			}
		})
	}
	wg.Wait()
	if s := p.Stats(); s.Live != 0 || s.Waiting != 0 || len(s.Policies) != 1 ||
		s.Policies[0].Calls != uint64(n) {
		t.Errorf("%+v", s)
	}
}

func TestOnePoliciesCallsDoNotSeeAnothers(t *testing.T) {
	p := newPool(t, Config{})
	for name, want := range map[string]string{"standard": "ok", "strict": "refused"} {
		var out bytes.Buffer
		cmd := runtime.Command{Args: []string{"python3", "-c",
			"import socket\ntry:\n  socket.socket(); print('ok')\nexcept OSError: " +
				"print('refused')"}, Stdout: &out}
		testhost.Need(t, "python3")
		if _, err := p.Run(t.Context(), Call{Policy: preset(t, name), Command: cmd}); err != nil ||
			out.String() != want+"\n" {
			t.Errorf("%s: %v, %q", name, err, out.String())
		}
	}
}

// pid1s are the PID 1s of the sandboxes that this process has started.
func pid1s(t *testing.T) (out []int) {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		data, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		for _, f := range strings.Fields(string(data)) {
			pid, _ := strconv.Atoi(f)
			out = append(out, pid)
		}
	}
	return out
}

func TestASandboxThatDiesIsReplaced(t *testing.T) {
	testhost.Need(t, "proc-children")
	p := newPool(t, Config{MinWarm: 2})
	policy := preset(t, "standard")
	for range 5 {
		res, err := p.Run(t.Context(), Call{Policy: policy, Command: sh("exit 0")})
		if err != nil || !res.Success {
			t.Fatalf("%v, %+v", err, res)
		}
		for _, pid := range pid1s(t) {
			fd, err := unix.PidfdOpen(pid, 0)
			if err != nil {
				continue
			}
			_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10_000)
			unix.Close(fd)
		}
	}
}

func TestAMisspeltCommandCostsOneCell(t *testing.T) {
	p := newPool(t, Config{})
	policy := preset(t, "standard")
	for range 3 {
		if _, err := p.Run(t.Context(), Call{Policy: policy,
			Command: runtime.Command{Args: []string{"pyhton"}}}); !errors.Is(err,
			runtime.ErrNotFound) {
			t.Errorf("error %v", err)
		}
	}
	if s := p.Stats(); s.Live != 0 || s.Policies[0].Sandboxes != 1 {
		t.Errorf("%+v", s)
	}
	if _, err := p.Run(t.Context(), Call{Command: sh("true")}); err == nil ||
		runtime.Hint(err) == "" {
		t.Errorf("without a policy: %v", err)
	}
}

func TestCloseEndsWhatRuns(t *testing.T) {
	p := newPool(t, Config{})
	process, err := p.Start(t.Context(), Call{Policy: preset(t, "standard"),
		Command: sh("sleep 1000")})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if res, _ := process.Wait(); res.Signal != "SIGKILL" {
		t.Errorf("%+v", res)
	}
	if _, err := p.Start(t.Context(), Call{Policy: preset(t, "standard"),
		Command: sh("true")}); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestAnIdlePolicyGivesItsSandboxesBack(t *testing.T) {
	testhost.Need(t, "proc-children")
	p := newPool(t, Config{Idle: 40 * time.Millisecond})
	if _, err := p.Run(t.Context(), Call{Policy: preset(t, "standard"),
		Command: sh("true")}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); len(pid1s(t)) > 0; {
		if time.Now().After(end) {
			t.Fatalf("still there: %v, %+v", pid1s(t), p.Stats())
		}
		time.Sleep(10 * time.Millisecond)
	}
}
