package watchdog

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
)

// A shell takes the place of PID 1, and the processes that it starts are watched. A perl script
// prints "ready" when it has allocated its memory, then waits for its standard input.
const (
	hold   = `$|=1; print "ready\n"; <STDIN>;`
	memfd  = `my $n="x"; my $fd=syscall(319,$n,0); die "memfd_create: $!" if $fd<0; open(my $f,">&=",$fd) or die; my $b="a"x(1<<20); syswrite($f,$b) for 1..80; undef $b;`
	waitIn = `; cat`
)

// sandbox starts `sh -c script` and, with ready, waits for its line "ready".
func sandbox(t *testing.T, script string, ready bool) int {
	t.Helper()
	cmd := exec.Command("sh", "-c", script)
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	})
	if ready {
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
			t.Fatalf("the script said %q (%v)", line, err)
		}
	}
	return cmd.Process.Pid
}

func perl(code string) string { return "perl -e '" + code + hold + "'" + waitIn }

// breaches watches until a breach of the limit or the end of the test.
func firstBreach(t *testing.T, cfg Config) (cgroups.Breach, *Watchdog) {
	t.Helper()
	ch := make(chan cgroups.Breach, 16)
	w := Start(cfg, func(b cgroups.Breach) { ch <- b })
	t.Cleanup(w.Stop)
	select {
	case b := <-ch:
		return b, w
	case <-time.After(30 * time.Second):
		t.Fatal("no breach was reported")
		panic("unreachable")
	}
}

// looks takes five samples and returns the reported breaches.
func looks(t *testing.T, cfg Config) ([]cgroups.Breach, *Watchdog) {
	t.Helper()
	var got []cgroups.Breach
	w := New(cfg)
	w.onBreach = func(b cgroups.Breach) { got = append(got, b) }
	for range 5 {
		if _, alive := w.look(time.Now(), true); !alive {
			t.Fatal("PID 1 is gone")
		}
	}
	return got, w
}

func TestMemoryGrowthIsReported(t *testing.T) {
	pid := sandbox(t, perl(`my @a; push @a, "x"x(1<<20) for 1..100;`), false)
	b, _ := firstBreach(t, Config{InitPID: pid, Memory: 32 << 20})
	if b.Limit != "memory" || !b.Fatal || b.Backend != Backend || b.Value != 32<<20 ||
		b.Observed <= b.Value {
		t.Errorf("breach %+v", b)
	}
}

func TestMemoryInAnUnmappedMemfdIsReported(t *testing.T) {
	pid := sandbox(t, perl(memfd), true)
	b, _ := firstBreach(t, Config{InitPID: pid, Memory: 64 << 20})
	if b.Limit != "memory" || b.Observed < 80<<20 {
		t.Errorf("breach %+v", b)
	}
}

func TestMemoryOfAnOrphanIsReported(t *testing.T) {
	// 36 is PR_SET_CHILD_SUBREAPER: the first perl inherits the orphan, as PID 1 of a namespace
	// does.
	pid := sandbox(t,
		`exec perl -e 'syscall(157,36,1,0,0,0); if(!fork){ if(!fork){ my $x="x"x(80<<20); `+hold+` exit } exit } sleep 1000'`, true)
	b, _ := firstBreach(t, Config{InitPID: pid, Memory: 64 << 20})
	if b.Limit != "memory" {
		t.Errorf("breach %+v", b)
	}
}

func TestPagesSharedByForksCountOnce(t *testing.T) {
	pid := sandbox(t, perl(`my $x="x"x(40<<20); for(1..5){ if(!fork){ sleep 1000; exit } }`), true)
	got, w := looks(t, Config{InitPID: pid, Memory: 128 << 20})
	if len(got) > 0 {
		t.Errorf("false breach %+v", got)
	}
	if peak := w.Usage().MemoryPeak; peak > 128<<20 || peak < 40<<20 {
		t.Errorf("peak %d", peak)
	}
}

func TestPagesUnsharedByForksAreReported(t *testing.T) {
	pid := sandbox(t,
		perl(`my $x="x"x(40<<20); for(1..5){ if(!fork){ substr($x,$_*4096,1)="y" for 0..10239; sleep 1000; exit } } sleep 1;`), false)
	if b, _ := firstBreach(t, Config{InitPID: pid, Memory: 128 << 20}); b.Limit != "memory" {
		t.Errorf("breach %+v", b)
	}
}

func TestReachingTheTaskLimitIsReportedOnceAndNotFatal(t *testing.T) {
	pid := sandbox(t, perl(`for(1..10){ if(!fork){ sleep 1000; exit } }`), true)
	got, w := looks(t, Config{InitPID: pid, PIDs: 11})
	if len(got) != 1 || got[0].Limit != "pids" || got[0].Fatal || got[0].Observed != 11 {
		t.Errorf("breaches %+v", got)
	}
	if n := w.Usage().PIDsPeak; n != 11 {
		t.Errorf("peak of %d tasks, want 11", n)
	}
}

func TestFewerTasksThanAllowedAreNoBreach(t *testing.T) {
	pid := sandbox(t, perl(`for(1..10){ if(!fork){ sleep 1000; exit } }`), true)
	if got, _ := looks(t, Config{InitPID: pid, PIDs: 12}); len(got) > 0 {
		t.Errorf("breaches %+v", got)
	}
}

func TestCPUTimeIsSummedOverProcesses(t *testing.T) {
	pid := sandbox(t, `for i in 1 2 3; do perl -e '1 while times < 0.2'; done; perl -e '1 while 1'`, false)
	b, w := firstBreach(t, Config{InitPID: pid, CPUTime: 700 * time.Millisecond})
	if b.Limit != "cpu_time" || !b.Fatal || b.Value != 700 || b.Observed < 700 {
		t.Errorf("breach %+v", b)
	}
	if used := w.Usage().CPU; used < 700*time.Millisecond {
		t.Errorf("usage says %v", used)
	}
}

func TestWithoutChildrenFilesTheSameProcessesAreFound(t *testing.T) {
	testhost.Need(t, "proc-children")
	pid := sandbox(t, perl(`for(1..3){ if(!fork){ sleep 1000; exit } }`), true)
	fast, slow := newReader(pid, 0), newReader(pid, 0)
	slow.children = false
	if !fast.children {
		t.Fatal("this kernel lists the children of a process, and they are not read")
	}
	a, _ := fast.processes()
	b, _ := slow.processes()
	if len(a) != 4 || len(b) != 4 {
		t.Fatalf("children files: %v, scan: %v, want 4 processes", a, b)
	}
	if c, _ := newReader(pid, a[0].pid).processes(); len(c) != 4 {
		t.Errorf("with the tool known: %v, want 4 processes", c)
	}
}

func TestWatchEndsWithPID1(t *testing.T) {
	pid := sandbox(t, "exit 0", false)
	w := Start(Config{InitPID: pid, Memory: 1 << 20}, func(cgroups.Breach) {})
	if _, err := unix.Wait4(pid, nil, 0, nil); err != nil {
		t.Fatal(err)
	}
	<-w.stopped
	w.Stop()
}

func TestRlimitsNeverExceedTheCallersOwn(t *testing.T) {
	var own unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &own); err != nil {
		t.Fatal(err)
	}
	l := policies.Limits{Memory: 1 << 20, PIDs: 3,
		CPUTime: policies.Duration(1500 * time.Millisecond), FileSize: 4096, OpenFiles: 1 << 40}
	want := map[int]uint64{
		unix.RLIMIT_CORE: 0, unix.RLIMIT_NPROC: 3, unix.RLIMIT_CPU: 3, unix.RLIMIT_FSIZE: 4096,
		unix.RLIMIT_NOFILE:     own.Max,
		unix.RLIMIT_SIGPENDING: maxSignals, unix.RLIMIT_MSGQUEUE: maxQueues, unix.RLIMIT_RTPRIO: 0,
	}
	for _, r := range Rlimits(l) {
		if r.Soft != want[r.Resource] || r.Hard < r.Soft {
			t.Errorf("resource %s: %d/%d, want %d", strconv.Itoa(r.Resource), r.Soft, r.Hard,
				want[r.Resource])
		}
		delete(want, r.Resource)
	}
	if len(want) > 0 {
		t.Errorf("not set: %v", want)
	}
}

// The proxy asks at each call. A look for each of them would cost more than the call.
func TestUsageIsKnownWithoutAnotherLook(t *testing.T) {
	w := New(Config{InitPID: os.Getpid()})
	w.seen()
	looks, done := 0, make(chan struct{})
	stop := make(chan struct{})
	go func() { // in place of the loop
		defer close(done)
		for {
			select {
			case <-w.ask:
				looks++
			case <-stop:
				return
			}
		}
	}()
	for range 1000 {
		runtime.Gosched() // the goroutine waits for a question
		w.Usage()
	}
	close(stop)
	<-done
	if looks != 0 {
		t.Errorf("%d looks for 1000 times Usage", looks)
	}
}
