package pool

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime"
)

// calc evaluates lines in one shell.
var calc = &Program{Args: []string{"sh", "-c",
	`printf R; while read -r mark && read -r line; do eval "$line"; s=$?; printf '\0%s\n' $mark >&2; printf '\0%s %d\n' $mark $s; done`}, Ready: 'R'}

func turn(t *testing.T, p *Pool, policy *policies.Policy,
	name, line string) (*SessionResult, string, string) {
	t.Helper()
	var out, stderr bytes.Buffer
	res, err := p.RunSession(t.Context(), SessionCall{Session: name, Call: Call{Caller: "ann",
		Policy:  policy,
		Program: calc,
		Input:   []byte(line + "\n"), Command: runtime.Command{Args: []string{"turn"}, Stdout: &out,
			Stderr: &stderr}}})
	if err != nil {
		t.Fatal(err)
	}
	return res, out.String(), stderr.String()
}

func TestASessionsCellLivesOnBetweenCalls(t *testing.T) {
	p := newPool(t, Config{})
	policy := preset(t, "standard")
	res, out, _ := turn(t, p, policy, "a", `x=5; echo $x > /tmp/f; sleep 1000 & echo $!; false`)
	if res.ExitCode != 1 || res.Number != 1 || res.Ended || strings.TrimSpace(out) == "" {
		t.Errorf("%+v %q", res, out)
	}
	child := strings.TrimSpace(out)
	res, out, stderr := turn(t, p, policy, "a",
		`echo $x; cat /tmp/f; kill -0 `+child+` && echo alive; echo e >&2; printf 'a\0b'`)
	if res.ExitCode != 0 || res.Number != 2 || out != "5\n5\nalive\na\x00b" || stderr != "e\n" {
		t.Errorf("%+v %q %q", res, out, stderr)
	}
	// Another session, of the same caller, sees nothing of it.
	if _, out, _ := turn(t, p, policy, "b",
		`echo "[$x]"; ls /tmp; kill -0 `+child+` 2>/dev/null && echo alive; true`); out != "[]\n" {
		t.Errorf("another session sees %q", out)
	}
	if res, _, _ := turn(t, p, policy, "a", "exit 7"); !res.Ended || res.ExitCode != 7 {
		t.Errorf("%+v", res)
	}
	if res, out, _ := turn(t, p, policy, "a", `echo "[$x]"`); res.Number != 1 || out != "[]\n" {
		t.Errorf("after its end: %+v %q", res, out)
	}
	if !p.CloseSession("ann", "a") || p.CloseSession("ann", "a") || p.CloseSession("bob", "b") {
		t.Error("CloseSession")
	}
}

func TestASessionEndsByItsLimits(t *testing.T) {
	p := newPool(t, Config{SessionIdle: 3 * time.Second, Sessions: 2})
	policy := *preset(t, "standard")
	policy.Limits.Timeout = policies.Duration(3 * time.Second)
	turn(t, p, &policy, "slow", "x=1")
	res, _, _ := turn(t, p, &policy, "slow", "sleep 100")
	if res.Status != runtime.StatusTimeout || !res.Ended {
		t.Errorf("%+v", res)
	}
	for _, name := range []string{"1", "2"} {
		turn(t, p, &policy, name, "true")
	}
	var busy *BusyError
	_, err := p.RunSession(t.Context(), SessionCall{Session: "3", Call: Call{Caller: "ann",
		Policy:  &policy,
		Program: calc}})
	if !errors.As(err, &busy) {
		t.Errorf("error %v", err)
	}
	end := time.Now().Add(20 * time.Second)
	for ; p.Stats().Sessions > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("idle sessions stay: %+v", p.Stats())
		}
	}
	if res, _, _ := turn(t, p, &policy, "1", "true"); res.Number != 1 {
		t.Errorf("%+v", res)
	}
}

func TestCanceledAndConcurrentTurns(t *testing.T) {
	p := newPool(t, Config{})
	policy := preset(t, "standard")
	turn(t, p, policy, "s", "n=0")
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { turn(t, p, policy, "s", "n=$((n+1))") })
	}
	wg.Wait()
	if _, out, _ := turn(t, p, policy, "s", "echo $n"); out != "10\n" {
		t.Errorf("%q", out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	res, err := p.RunSession(ctx, SessionCall{Session: "s", Call: Call{Caller: "ann",
		Policy:  policy,
		Program: calc, Input: []byte("sleep 100\n"),
		Command: runtime.Command{Args: []string{"x"},
			BeforeExec: func(*runtime.Process) { cancel() }}}})
	if err != nil || res.Status != runtime.StatusCanceled || !res.Ended {
		t.Errorf("%v, %+v", err, res)
	}
}
