package runtime

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// ticking starts a program that writes a line every 20 ms, and returns its lines.
func ticking(t *testing.T, box *Sandbox) (*Process, <-chan string) {
	t.Helper()
	p, lines := script(t, box, "sleep 600 & while :; do echo tick; sleep 0.02; done")
	next(t, lines)
	return p, lines
}

// script starts a shell script, and returns its lines.
func script(t *testing.T, box *Sandbox, text string) (*Process, <-chan string) {
	t.Helper()
	r, w := io.Pipe()
	t.Cleanup(func() { r.Close() })
	p, err := box.Start(t.Context(), Command{Stdout: w, Args: []string{"sh", "-c", text}})
	if err != nil {
		t.Fatal(err)
	}
	lines := make(chan string)
	go func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-t.Context().Done():
				return
			}
		}
	}()
	return p, lines
}

func next(t *testing.T, lines <-chan string) {
	t.Helper()
	select {
	case <-lines:
	case <-time.After(20 * time.Second):
		t.Fatal("the program does not go on")
	}
}

// still reports whether no program runs: after lines that were already written, no line comes.
func still(lines <-chan string) bool {
	for range 50 {
		select {
		case <-lines:
		case <-time.After(300 * time.Millisecond):
			return true
		}
	}
	return false
}

func adjustableBox(t *testing.T, change func(*policies.Policy), spec Spec) *Sandbox {
	t.Helper()
	testhost.Need(t, "sandbox")
	p, err := policies.Preset("standard")
	if err != nil {
		t.Fatal(err)
	}
	own := *p
	if change != nil {
		change(&own)
	}
	spec.Policy, spec.BestEffort = &own, true
	box, err := Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	return box
}

func TestAPausedSandboxStopsAndContinues(t *testing.T) {
	box := adjustableBox(t, nil, Spec{})
	_, lines := ticking(t, box)
	if err := box.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !still(lines) {
		t.Error("it goes on while it is paused")
	}
	_, err := box.Start(t.Context(), Command{Args: []string{"true"}})
	if !errors.Is(err, ErrPaused) {
		t.Errorf("a start in a paused sandbox: %v", err)
	}
	if err := box.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	next(t, lines)
	if err := box.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := box.Close(); err != nil {
		t.Errorf("a paused sandbox is closed: %v", err)
	}
}

func TestATimeLimitStopsWhileTheSandboxIsPaused(t *testing.T) {
	box := adjustableBox(t, func(p *policies.Policy) {
		p.Limits.Timeout = policies.Duration(time.Second)
	}, Spec{})
	p, lines := ticking(t, box)
	if err := box.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
		t.Fatal("its time was over while it was paused")
	case <-time.After(1500 * time.Millisecond): // more than the limit
	}
	if err := box.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	go func() {
		for range lines {
		}
	}()
	res, err := p.Wait()
	if err != nil || res.Status != StatusTimeout {
		t.Errorf("%+v %v", res, err)
	}
}

func TestALimitThatIsLoweredWhileAProgramRunsEndsIt(t *testing.T) {
	testhost.Need(t, "python3")
	box := adjustableBox(t, nil, Spec{})
	r, w := io.Pipe()
	p, err := box.Start(t.Context(), Command{Stdout: w, Args: []string{"python3", "-c",
		"import time\na = b'x' * (100 << 20)\nprint('ready', flush=True)\ntime.sleep(600)"}})
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil {
		t.Fatal(line, err)
	}
	if _, err := box.SetLimits(policies.Limits{Disk: 1}); err == nil {
		t.Error("disk was changed")
	}
	now, err := box.SetLimits(policies.Limits{Memory: 32 << 20})
	if err != nil || now["memory"].Value != 32<<20 {
		t.Fatal(now, err)
	}
	res, err := p.Wait()
	if err != nil || res.Status != StatusMemory || res.Limits["memory"].Value != 32<<20 {
		t.Errorf("%+v %v", res, err)
	}
}

func TestATimeLimitCanBeSetWhileAProgramRuns(t *testing.T) {
	box := adjustableBox(t, func(p *policies.Policy) { p.Limits.Timeout = 0 }, Spec{})
	p, err := box.Start(t.Context(), Command{Args: []string{"sleep", "600"}})
	if err != nil {
		t.Fatal(err)
	}
	limits := policies.Limits{Timeout: policies.Duration(time.Millisecond)}
	if _, err := box.SetLimits(limits); err != nil {
		t.Fatal(err)
	}
	if res, err := p.Wait(); err != nil || res.Status != StatusTimeout {
		t.Errorf("%+v %v", res, err)
	}
}

func TestQuarantineKeepsTheSandboxForInspection(t *testing.T) {
	kept := make(chan monitor.Event, 1)
	box := adjustableBox(t, func(p *policies.Policy) {
		p.Rules = []policies.Rule{{ID: "odd", When: `syscall == "unshare"`, Action: "quarantine"}}
	}, Spec{Quarantine: func(e monitor.Event) { kept <- e }})
	p, lines := script(t, box,
		"echo found >/work/evidence; unshare -m true; while :; do echo tick; sleep 0.02; done")
	select {
	case e := <-kept:
		if e.Rule != "odd" || e.Action != "quarantine" {
			t.Errorf("%+v", e)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it was not quarantined")
	}
	if !still(lines) {
		t.Error("it goes on in quarantine")
	}
	data, err := os.ReadFile(p.Root() + "/work/evidence")
	if err != nil || strings.TrimSpace(string(data)) != "found" {
		t.Errorf("its files: %q %v", data, err)
	}
	if err := box.Resume(context.Background()); err != nil {
		t.Fatal(err)
	}
	next(t, lines)
}

func TestATerminalCanBeResized(t *testing.T) {
	box := adjustableBox(t, nil, Spec{})
	in, feed := io.Pipe()
	out, shown := io.Pipe()
	p, err := box.Start(t.Context(), Command{TTY: true, Rows: 30, Cols: 90, Stdin: in,
		Stdout: shown,
		Args:   []string{"sh", "-c", "stty size; read x; stty size"}})
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	expect := func(want string) {
		t.Helper()
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatalf("%q did not come: %v", want, err)
			}
			if strings.Contains(line, want) {
				return
			}
		}
	}
	expect("30 90")
	if err := p.Resize(50, 120); err != nil {
		t.Fatal(err)
	}
	if _, err := feed.Write([]byte("\n")); err != nil {
		t.Fatal(err)
	}
	expect("50 120")
}
