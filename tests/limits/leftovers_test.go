package limits

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// In some of the runs, mcpbox itself gets a SIGKILL at a random moment.
func TestManyRunsSomeKilledLeaveNothing(t *testing.T) {
	requireSandbox(t)
	runs, kills := 200, 20
	if n, err := strconv.Atoi(os.Getenv("MCPBOX_TEST_RUNS")); err == nil {
		runs = max(n, 10)
		kills = min(kills, runs/2)
	}
	gc(t)
	was := adopt(t)
	whole := lifetime(t)
	seed := uint64(time.Now().UnixNano())
	moments := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d; a run takes %v", seed, whole)

	type job struct{ killAfter time.Duration } // 0: the run ends by itself
	jobs := make(chan job)
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for j := range jobs {
				if j.killAfter > 0 {
					killed(t, j.killAfter)
				} else if out, err := exec.Command(built.Mcpbox(t), "run", "--", "sh", "-c",
					"sleep 0 & exec true").CombinedOutput(); err != nil {
					t.Errorf("a run beside killed ones: %v: %s", err, out)
				}
			}
		})
	}
	for i := range runs {
		j := job{}
		if i%(runs/kills) == 0 {
			j.killAfter = time.Duration(moments.Int64N(int64(whole)*5/4)) + 1
		}
		jobs <- j
	}
	close(jobs)
	workers.Wait()

	for _, p := range descendants(t) {
		t.Errorf("process left: %s", p)
	}
	// The next start removes what killed runs left behind.
	if out, err := exec.Command(built.Mcpbox(t), "run", "--", "true").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	was.nothingNew(t)
	if said := gc(t); said != "" && testhost.Promised("cgroup2") {
		t.Errorf("after a start there was still something for gc: %s", said)
	}
}

// killed starts a run that would last for ever, and kills its mcpbox.
func killed(t *testing.T, after time.Duration) {
	cmd := exec.Command(built.Mcpbox(t), "run", "-q", "--", "sh", "-c",
		"sleep 600 & setsid sleep 600 & sleep 600")
	if err := cmd.Start(); err != nil {
		t.Error(err)
		return
	}
	time.Sleep(after) // a random moment, not a wait
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// lifetime measures how long a run takes here, with warm caches.
func lifetime(t *testing.T) time.Duration {
	t.Helper()
	var took time.Duration
	for range 2 {
		begin := time.Now()
		if out, err := exec.Command(built.Mcpbox(t), "run", "--",
			"true").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		took = time.Since(begin)
	}
	return took
}

func TestGCRemovesTheRemainsOfAKilledRunAndReportsThem(t *testing.T) {
	b := requireSandbox(t)
	gc(t)
	was := adopt(t)
	cmd := exec.Command(built.Mcpbox(t), "run", "-q", "--", "sh", "-c", "echo started; sleep 600")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for _, p := range descendants(t) {
		t.Errorf("process left: %s", p)
	}
	left := append(was.ownerlessState(t), ownerlessCgroups(t)...)
	said := gc(t)
	was.nothingNew(t)
	if !testhost.Promised("cgroup2") {
		return // another start on this host may have removed it first
	}
	kinds := []string{"state"}
	if b == "cgroup2" && !strings.Contains(strings.Join(os.Environ(), "\n"),
		"DBUS_SESSION_BUS_ADDRESS") {
		kinds = append(kinds, "cgroup") // systemd removes the scope with all in it
	}
	for _, kind := range kinds {
		if !bytes.Contains([]byte(said), []byte(kind+" ")) {
			t.Errorf("gc says %q and no word of the %s; there was %v", said, kind, left)
		}
	}
}
