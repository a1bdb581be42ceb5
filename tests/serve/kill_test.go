package serve

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/server/api"
)

// answers is what clients were told.
type answers struct {
	mu       sync.Mutex
	finished map[string]string // id: stdout
	accepted []string
	events   []string // ids of executions with events
	boxes    []string
}

// load asks for one thing after the other until the daemon is gone.
func (a *answers) load(ctx context.Context, d *daemon, marker string) {
	for n := 0; ; n++ {
		var err error
		switch n % 4 {
		case 0:
			text := fmt.Sprint(n, "-", rand.Uint64())
			var x *api.Execution
			if x, err = d.Run(
				ctx,
				api.ExecutionRequest{Command: []string{"echo", text}},
			); err == nil {
				a.mu.Lock()
				a.finished[x.ID] = text + "\n"
				a.mu.Unlock()
			}
		case 1:
			var x *api.Execution
			if x, err = d.Start(
				ctx,
				api.ExecutionRequest{Command: []string{"sh", "-c", "sleep 600; : " + marker}},
			); err == nil {
				a.mu.Lock()
				a.accepted = append(a.accepted, x.ID)
				a.mu.Unlock()
			}
		case 2:
			var x *api.Execution
			if x, err = d.Run(
				ctx,
				api.ExecutionRequest{Command: []string{"unshare", "-m", "true"}},
			); err == nil {
				a.mu.Lock()
				a.events = append(a.events, x.ID)
				a.mu.Unlock()
			}
		case 3:
			var b *api.Sandbox
			if b, err = d.CreateSandbox(ctx, api.SandboxRequest{}); err == nil {
				a.mu.Lock()
				a.boxes = append(a.boxes, b.ID)
				a.mu.Unlock()
			}
		}
		if err != nil && !busy(err) || ctx.Err() != nil {
			return
		}
	}
}

func TestADeathAtAnyMomentLosesNothingThatWasAnswered(t *testing.T) {
	dir := folder(t)
	marker := fmt.Sprintf("marker-%x", rand.Uint64())
	deaths := number(t, "MCPBOX_KILLS", 5)
	told := &answers{finished: map[string]string{}}
	d := start(t, dir)
	for range deaths {
		var clients sync.WaitGroup
		ctx, stop := context.WithCancel(bounded(t))
		for range 3 {
			clients.Go(func() { told.load(ctx, d, marker) })
		}
		time.Sleep(time.Duration(100+rand.IntN(700)) * time.Millisecond) // any moment is right
		if err := d.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = d.cmd.Wait()
		stop()
		clients.Wait()
		eventually(t, "no process is left", func() bool { return len(marked(t, marker)) == 0 })
		d = start(t, dir)
	}
	t.Logf("%d deaths; answered: %d results, %d accepted, %d with events, %d sandboxes", deaths,
		len(told.finished), len(told.accepted), len(told.events), len(told.boxes))
	if len(told.finished) == 0 || len(told.accepted) == 0 || len(told.events) == 0 ||
		len(told.boxes) == 0 {
		t.Fatal("there was no load of every kind")
	}
	for id, stdout := range told.finished {
		x, err := d.Execution(bounded(t), id)
		if err != nil || x.State != api.Finished || x.Result.Stdout != stdout {
			t.Errorf("%s was answered with %q: %+v, %v", id, stdout, x, err)
		}
	}
	for _, id := range told.accepted {
		if x, err := d.Execution(bounded(t), id); err != nil || x.State == api.Running {
			t.Errorf("%s was accepted: %+v, %v", id, x, err)
		}
	}
	for _, id := range told.events {
		page, err := d.Events(bounded(t), url.Values{"execution": {id}})
		if err != nil || len(page.Events) == 0 {
			t.Errorf("%s had events: %+v, %v", id, page, err)
		}
	}
	for _, id := range told.boxes {
		err := d.Do(bounded(t), "GET", "/v1/sandboxes/"+id, nil, nil)
		if err == nil || !strings.Contains(err.Error(), "the sandbox is lost") {
			t.Errorf("sandbox %s: %v", id, err)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || strings.Contains(string(mounts), dir) {
		t.Errorf("a mount is left: %v\n%s", err, mounts)
	}
}
