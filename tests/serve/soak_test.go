package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/server/api"
)

// hostile programs try to take, to break or to stay.
var hostile = [][]string{
	{"sh", "-c", "f() { f | f & }; f; sleep 1"},
	{"python3", "-c", "a = []\nwhile True: a.append(bytearray(1 << 24))"},
	{"sh", "-c", "kill -9 -1; sleep 600 & exit"},
	{"sh", "-c", "setsid sleep 600 >/dev/null 2>&1 &"},
	{"sh", "-c", "yes | head -c 3000000"},
	{"unshare", "-m", "true"},
}

func TestManyCallsLeaveNothing(t *testing.T) {
	n := number(t, "MCPBOX_SOAK", 300)
	dir := folder(t)
	d := start(t, dir)
	marker := fmt.Sprintf("marker-%x", rand.Uint64())
	call := func(i int) (err error) {
		ctx := t.Context()
		req := api.ExecutionRequest{
			Command: []string{"echo", marker},
			Timeout: 5,
			Caller:  fmt.Sprint(i % 8),
		}
		switch {
		case i%10 == 3:
			req.Command, req.Timeout = hostile[i/10%len(hostile)], 2
		case i%10 == 7: // it goes away
			var leave context.CancelFunc
			ctx, leave = context.WithTimeout(ctx, time.Duration(rand.IntN(20))*time.Millisecond)
			defer leave()
			req.Command = []string{"sh", "-c", "sleep 600; : " + marker}
		}
		_, err = d.Run(ctx, req)
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	var served, turned atomic.Int64
	run := func(from, to int) {
		var next atomic.Int64
		next.Store(int64(from))
		var clients sync.WaitGroup
		for range 8 {
			clients.Go(func() {
				for {
					i := int(next.Add(1)) - 1
					if i >= to {
						return
					}
					switch err := call(i); {
					case err == nil:
						served.Add(1)
					case busy(err):
						turned.Add(1)
					default:
						t.Errorf("call %d: %v", i, err)
					}
				}
			})
		}
		clients.Wait()
		eventually(t, "nothing runs", func() bool {
			s, err := d.Stats(t.Context())
			return err == nil && s.Running == 0 && s.Pool.Live == 0
		})
	}
	run(0, n/3)
	memory, open := resident(t, d), descriptors(t, d)
	run(n/3, n)
	memoryAfter := resident(t, d)
	t.Logf("%d calls: %d served, %d asked to come back; memory %d → %d KiB, descriptors %d → %d", n,
		served.Load(), turned.Load(), memory, memoryAfter, open, descriptors(t, d))
	if memoryAfter > 2*memory+(64<<10) {
		t.Errorf("its memory has grown from %d to %d KiB", memory, memoryAfter)
	}
	eventually(t, "no program is left", func() bool { return len(marked(t, marker)) == 0 })
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v:\n%s", err, d.log.String())
	}
	for _, name := range []string{"s.sock", "state"} {
		_, err := os.Stat(filepath.Join(dir, name))
		if gone := os.IsNotExist(err); gone != (name == "s.sock") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Of 64 clients at once, each gets its part: in cells, and in sandboxes of their own.
func TestManyClientsAtOnceAreServedInTurn(t *testing.T) {
	own := json.RawMessage(`{"extends": "standard"}`)
	for name, c := range map[string]struct {
		request api.ExecutionRequest
		rounds  int64
	}{
		"cells":     {api.ExecutionRequest{Command: []string{"true"}}, 10},
		"sandboxes": {api.ExecutionRequest{Command: []string{"true"}, Document: own}, 10},
	} {
		t.Run(name, func(t *testing.T) { inTurn(t, c.request, c.rounds) })
	}
}

func inTurn(t *testing.T, request api.ExecutionRequest, rounds int64) {
	d := start(t, folder(t))
	const clients = 64
	var done [clients]atomic.Int64
	var total, turned atomic.Int64
	var all sync.WaitGroup
	for c := range clients {
		request := request
		request.Caller = fmt.Sprint(c)
		all.Go(func() {
			for total.Load() < clients*rounds {
				x, err := d.Run(t.Context(), request)
				switch {
				case err == nil && x.Result.Success:
					if total.Add(1) <= clients*rounds { // not those on their way at the end
						done[c].Add(1)
					}
				case err == nil:
					t.Errorf("client %d: %+v", c, x.Result)
					return
				case busy(err):
					turned.Add(1)
					time.Sleep(10 * time.Millisecond) // sooner than it is told to come back
				default:
					t.Errorf("client %d: %v", c, err)
					return
				}
			}
		})
	}
	all.Wait()
	least, most := done[0].Load(), int64(0)
	for c := range done {
		least, most = min(least, done[c].Load()), max(most, done[c].Load())
	}
	t.Logf("%d calls; of each client %d to %d; %d were told to come back", total.Load(), least,
		most, turned.Load())
	if least*10 < rounds*8 || most*10 > rounds*12 {
		t.Errorf("one client had %d, another %d: more than 20 %% off the mean, %d", least, most,
			rounds)
	}
}
