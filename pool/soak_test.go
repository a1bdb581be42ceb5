package pool

import (
	"context"
	"os"
	goruntime "runtime"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
)

// hostile are Python programs that end badly, or are ended.
var hostile = []string{
	"import os, signal\nos.kill(-1, signal.SIGKILL)",
	"import os\nos.closerange(0, 100); os._exit(1)",
	"x = bytearray(300 << 20)\nimport time; time.sleep(60)",
	"import os\nwhile True:\n  try: os.fork()\n  except OSError: pass",
	"import os\nfor i in range(100000): open('/tmp/%d' % i, 'w').close()",
	"import os\nos.setsid() if os.fork() == 0 else os._exit(0)\nimport time; time.sleep(60)",
	"import ctypes\nfor i in range(2000): ctypes.CDLL(None).syscall(101, 16, 1, 0, 0)",
}

// level is what this process has.
type level struct {
	fds, goroutines, mounts int
	heap                    uint64
}

func levels(t *testing.T) (l level) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	goruntime.GC()
	var m goruntime.MemStats
	goruntime.ReadMemStats(&m)
	return level{len(fds), goruntime.NumGoroutine(), len(mounts), m.HeapAlloc}
}

// settled waits until nothing of the calls is left, and returns what there is then.
func settled(t *testing.T, p *Pool, most level) (l level) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		l = levels(t)
		s := p.Stats()
		if s.Live == 0 && l.fds <= most.fds && l.goroutines <= most.goroutines &&
			l.mounts <= most.mounts ||
			time.Now().After(end) {
			return l
		}
	}
}

// A hostile call ends alone, with its status. The others do not notice, and nothing is left of any.
// MCPBOX_TEST_RUNS=20000 for a soak.
func TestHostileCallsAmongHonestOnes(t *testing.T) {
	testhost.Need(t, "python3", "proc-children")
	// What the first sandbox of a process makes for all of them is no leak.
	once := newPool(t, Config{})
	soak(t, once, preset(t, "standard"), 1, 2)
	if err := once.Close(); err != nil {
		t.Fatal(err)
	}
	before := levels(t)
	p := newPool(t, Config{Live: 4, MaxWarm: 4})
	policy := preset(t, "standard")
	policy.Limits.Memory, policy.Limits.PIDs = 64<<20, 32
	n := runs(200)
	policy.Limits.Timeout = policies.Duration(2 * time.Second)
	if n < 100 { // in a virtual machine, where a honest call may take as long
		policy.Limits.Timeout = policies.Duration(20 * time.Second)
	}
	began := time.Now()
	soak(t, p, policy, 0, n/5)
	first := settled(t, p, level{1 << 20, 1 << 20, 1 << 20, 0})
	soak(t, p, policy, n/5, n)
	last := settled(t, p, level{first.fds, first.goroutines, first.mounts, 0})
	t.Logf("%d calls in %s: after a fifth %+v, at the end %+v", n,
		time.Since(began).Round(time.Second), first, last)
	const cells = 8 // more may be warm now than then
	if last.fds > first.fds+8*cells || last.goroutines > first.goroutines+4*cells ||
		last.heap > 2*first.heap+4<<20 {
		t.Errorf("something was left: after a fifth of the calls %+v, at the end %+v", first, last)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if after := settled(t, p, before); after.fds > before.fds ||
		after.goroutines > before.goroutines+2 ||
		after.mounts > before.mounts || len(pid1s(t)) > 0 {
		t.Errorf("left behind: before %+v, after %+v, processes %v", before, after, pid1s(t))
	}
}

// soak runs calls, of which every tenth is hostile.
func soak(t *testing.T, p *Pool, policy *policies.Policy, from, to int) {
	t.Helper()
	var wg sync.WaitGroup
	calls := make(chan int)
	for range 4 {
		wg.Go(func() {
			for i := range calls {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				call := Call{Caller: "honest", Policy: policy, Command: sh("exit 0")}
				if i%10 == 0 {
					call.Caller = "hostile"
					call.Command.Args = []string{"python3", "-c", hostile[i/10%len(hostile)]}
				} else if i%10 < 3 {
					call.Program, call.Input = echo, []byte("exit 0\n")
				}
				res, err := p.Run(ctx, call)
				if err != nil || i%10 != 0 && !res.Success {
					t.Errorf("call %d, %s: %v, %+v", i, call.Caller, err, res)
				}
				cancel()
			}
		})
	}
	for i := from; i < to; i++ {
		calls <- i
	}
	close(calls)
	wg.Wait()
}
