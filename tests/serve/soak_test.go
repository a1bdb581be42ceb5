package serve

import (
	"context"
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
	t.Logf(
		"%d calls: %d served, %d asked to come back; memory %d → %d KiB, descriptors %d → %d",
		n,
		served.Load(),
		turned.Load(),
		memory,
		memoryAfter,
		open,
		descriptors(t, d),
	)
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

func TestManyClientsAtOnceGetAnAnswerOrAreToldWhenToComeBack(t *testing.T) {
	d := start(t, folder(t))
	const clients, each = 64, 5
	var done [clients]atomic.Int64
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for range each {
				_, err := d.Run(
					t.Context(),
					api.ExecutionRequest{Command: []string{"true"}, Caller: fmt.Sprint(c)},
				)
				if err == nil {
					done[c].Add(1)
				} else if !busy(err) {
					t.Errorf("client %d: %v", c, err)
				}
			}
		})
	}
	all.Wait()
	least, most := int64(each), int64(0)
	for c := range done {
		least, most = min(least, done[c].Load()), max(most, done[c].Load())
	}
	t.Logf("calls served of each client: %d to %d of %d", least, most, each)
	if most == 0 {
		t.Error("nobody was served")
	}
}
