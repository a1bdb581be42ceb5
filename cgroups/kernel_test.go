package cgroups

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
)

// These tests need a usable cgroup v2. `make test-vm` promises one, so they are never skipped
// there.
func parent(t *testing.T, controllers ...string) *Parent {
	t.Helper()
	testhost.Need(t, "cgroup2")
	// A scope moves this process out of its cgroup, so the tests use one only in a disposable
	// guest.
	p, err := Find(context.Background(), Options{NoScope: !testhost.Promised("cgroup2")})
	if err != nil {
		testhost.Lacks(t, "cgroup2", "%v", err)
	}
	for _, c := range controllers {
		if !slices.Contains(p.Controllers(), c) {
			testhost.Lacks(t, "cgroup2", "the %s controller is not available under %s", c, p.Path())
		}
	}
	return p
}

func newLeaf(t *testing.T, p *Parent, l policies.Limits) (*Group, *Leaf) {
	t.Helper()
	g, err := p.Create(fmt.Sprintf("test-%d-%d", os.Getpid(), time.Now().UnixNano()), l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Destroy(context.Background()); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(g.Path()); !os.IsNotExist(err) {
			t.Errorf("%s was left behind", g.Path())
		}
	})
	leaf, err := g.NewLeaf("p-1", l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { leaf.Close() })
	for name, reason := range leaf.Enforced() {
		if reason != "" {
			t.Fatalf("%s is not enforced: %s", name, reason)
		}
	}
	return g, leaf
}

func inLeaf(fd int, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &unix.SysProcAttr{UseCgroupFD: true, CgroupFD: fd}
	cmd.Stderr = os.Stderr
	return cmd
}

// watched runs a command in the leaf and returns every breach.
func watched(t *testing.T, leaf *Leaf, onBreach func(Breach), name string,
	args ...string) []Breach {
	t.Helper()
	var got []Breach
	w, err := leaf.Watch(func(b Breach) {
		got = append(got, b)
		if onBreach != nil {
			onBreach(b)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	_ = inLeaf(leaf.FD(), name, args...).Run()
	w.Stop()
	return got
}

func only(t *testing.T, got []Breach, limit string) []Breach {
	t.Helper()
	var out []Breach
	for _, b := range got {
		if b.Limit == limit {
			out = append(out, b)
		}
	}
	if len(out) == 0 {
		t.Fatalf("no %s breach in %+v", limit, got)
	}
	return out
}

func TestAProcessOverItsMemoryIsKilledAndReported(t *testing.T) {
	const limit = 64 << 20
	_, leaf := newLeaf(t, parent(t, "memory"), policies.Limits{Memory: limit})
	b := only(t, watched(t, leaf, nil, "perl", "-e",
		`my @a; push @a, "x"x(1<<20) for 1..1024; exit 0`), "memory")[0]
	if !b.Fatal || b.Value != limit || b.Backend != Backend {
		t.Errorf("breach %+v", b)
	}
	u, err := leaf.Usage()
	if err != nil || (u.MemoryPeak != unknown && (u.MemoryPeak < limit*9/10 ||
		u.MemoryPeak > limit)) {
		t.Errorf("peak %d of %d (%v)", u.MemoryPeak, limit, err)
	}
}

func TestPeakMemoryAndCPUTimeMatchAKnownLoad(t *testing.T) {
	_, leaf := newLeaf(t, parent(t, "memory"), policies.Limits{Memory: 512 << 20})
	got := watched(t, leaf, nil, "perl", "-e", `my $x="x"x(100<<20); 1 while times < 1`)
	if len(got) > 0 {
		t.Errorf("breaches %+v", got)
	}
	u, err := leaf.Usage()
	if err != nil {
		t.Fatal(err)
	}
	// perl holds the string twice: the constant and $x.
	if u.MemoryPeak < 200<<20 || u.MemoryPeak > 220<<20 {
		t.Errorf("peak %d MiB, want 200 to 220", u.MemoryPeak>>20)
	}
	if u.CPUUser < 900*time.Millisecond || u.CPU < u.CPUUser {
		t.Errorf("CPU %v, of it user %v, want at least 0.9 s", u.CPU, u.CPUUser)
	}
}

func TestAForkBombMeetsPIDsMaxAndIsReported(t *testing.T) {
	_, leaf := newLeaf(t, parent(t, "pids"), policies.Limits{PIDs: 10})
	got := only(t, watched(t, leaf, nil, "perl", "-e",
		`for(1..200){ my $p=fork; if(defined $p && !$p){ sleep 2; exit } } `+
			`1 while wait > 0`), "pids")
	var refused int64
	for _, b := range got {
		refused += b.Count
		if b.Fatal || b.Value != 10 {
			t.Errorf("breach %+v", b)
		}
	}
	if refused != 191 {
		t.Errorf("%d refusals reported in %d breaches, want 191", refused, len(got))
	}
	if u, _ := leaf.Usage(); u.PIDsPeak != unknown && u.PIDsPeak != 10 {
		t.Errorf("peak of %d tasks", u.PIDsPeak)
	}
}

func TestTheCPUQuotaHoldsAndThrottlingIsReported(t *testing.T) {
	_, leaf := newLeaf(t, parent(t, "cpu"), policies.Limits{CPUs: 0.5})
	begin := time.Now()
	b := only(t, watched(t, leaf, nil, "timeout", "2", "perl", "-e", `1 while 1`), "cpus")[0]
	elapsed := time.Since(begin)
	if b.Fatal || b.Value != 500 || b.Observed < 500 {
		t.Errorf("breach %+v", b)
	}
	u, err := leaf.Usage()
	if err != nil || u.ThrottledPeriods < 1 || u.Throttled <= 0 {
		t.Errorf("usage %+v (%v)", u, err)
	}
	if share := float64(u.CPU) / float64(elapsed); share < 0.5*0.85 || share > 0.5*1.15 {
		t.Errorf("used %v of CPU in %v at half a CPU: %.2f", u.CPU, elapsed, share)
	}
}

func TestCPUTimeIsReportedWhenItIsUsedUp(t *testing.T) {
	_, leaf := newLeaf(t, parent(t),
		policies.Limits{CPUTime: policies.Duration(300 * time.Millisecond)})
	got := only(t, watched(t, leaf, func(Breach) { _ = leaf.Kill() }, "perl", "-e",
		`if(!fork){1 while 1} 1 while 1`), "cpu_time")
	if len(got) != 1 || !got[0].Fatal || got[0].Value != 300 || got[0].Observed < 300 {
		t.Errorf("breaches %+v", got)
	}
}

func TestFiveHundredProcessesDieAtOnce(t *testing.T) {
	g, leaf := newLeaf(t, parent(t), policies.Limits{})
	cmd := inLeaf(leaf.FD(), "perl", "-e",
		`$|=1; for(1..499){ if(!fork){ setpgrp; sleep 1000; exit } } print "ready\n"; sleep 1000`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	pids, _ := readFields(leaf.Path(), "cgroup.procs")
	if len(pids) != 500 {
		t.Fatalf("%d processes, want 500", len(pids))
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	if err := g.Destroy(context.Background()); err != nil {
		t.Fatal(err)
	}
	<-done
	for _, p := range pids {
		pid, _ := strconv.Atoi(p)
		if state := procState(pid); state != "" && state != "Z" {
			t.Errorf("process %d is still there (%s)", pid, state)
		}
	}
	if err := g.Destroy(context.Background()); err != nil {
		t.Errorf("a second Destroy: %v", err)
	}
}

func procState(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if _, rest, ok := strings.Cut(string(b), ") "); ok {
		return rest[:1]
	}
	return ""
}

func TestALeafCanBeRemovedAndItsNameReused(t *testing.T) {
	g, leaf := newLeaf(t, parent(t), policies.Limits{})
	if err := leaf.Remove(context.Background()); err != nil {
		t.Fatal(err)
	}
	again, err := g.NewLeaf("p-1", policies.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestCollectRemovesOnlyGroupsWithoutAnOwner(t *testing.T) {
	p := parent(t)
	live, _ := newLeaf(t, p, policies.Limits{})
	id := fmt.Sprintf("dead-%d", os.Getpid())
	child := exec.Command(os.Args[0], "-test.run=^TestHelperCreateAndHang$")
	child.Env = append(os.Environ(), "MCPBOX_TEST_HELPER="+p.mount+":"+p.path+":"+id)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	if line != "created\n" {
		t.Fatalf("helper said %q", line)
	}
	if ids, err := p.Stale(); err != nil || slices.Contains(ids, id) {
		t.Fatalf("stale while its owner lives: %v, %v", ids, err)
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	ids, err := p.Collect(context.Background())
	if err != nil || !slices.Contains(ids, id) {
		t.Errorf("collected %v, %v", ids, err)
	}
	if _, err := os.Stat(filepath.Join(p.Path(), groupPrefix+id)); !os.IsNotExist(err) {
		t.Errorf("the dead one's group is still there")
	}
	if _, err := os.Stat(live.Path()); err != nil {
		t.Errorf("the live one's group: %v", err)
	}
}

func TestHelperCreateAndHang(t *testing.T) {
	f := strings.Split(os.Getenv("MCPBOX_TEST_HELPER"), ":")
	if len(f) != 3 {
		return // not a test, but a child process of one
	}
	p := &Parent{mount: f[0], path: f[1]}
	if _, err := p.Create(f[2], policies.Limits{}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("created")
	select {}
}

func TestAnUnprivilegedPID1MaySpawnIntoLeavesButNotRaiseLimits(t *testing.T) {
	testhost.Need(t, "root") // to run under another uid in init/
	const uid = 54321
	p := parent(t, "pids")
	g, leaf := newLeaf(t, p, policies.Limits{PIDs: 20})
	if err := g.AllowSpawn(uid, uid); err != nil {
		t.Fatal(err)
	}
	second, err := g.NewLeaf("p-2", policies.Limits{PIDs: 20})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	initDir, err := os.Open(filepath.Join(p.mount, g.InitPath()))
	if err != nil {
		t.Fatal(err)
	}
	defer initDir.Close()
	spawn := func(l *Leaf) string {
		cmd := inLeaf(int(initDir.Fd()), "/proc/self/exe", "-test.run=^TestHelperSpawn$")
		cmd.Path, cmd.Dir = "/proc/self/exe", "/"
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: uid}
		cmd.ExtraFiles = []*os.File{l.fd}
		cmd.Env = []string{"MCPBOX_TEST_SPAWN=" + l.Path(), "PATH=" + os.Getenv("PATH")}
		out, err := cmd.Output()
		return fmt.Sprintf("%s%v", out, err)
	}
	if out := spawn(second); !strings.Contains(out, "in p-2\n") ||
		!strings.Contains(out, "limit: permission denied\n") {
		t.Errorf("into a leaf made after AllowSpawn: %q", out)
	}
	if out := spawn(leaf); strings.Contains(out, "in p-1\n") {
		t.Errorf("into a leaf made before AllowSpawn: %q", out)
	}
}

func TestHelperSpawn(t *testing.T) {
	dir := os.Getenv("MCPBOX_TEST_SPAWN")
	if dir == "" {
		return // not a test, but a child process of one
	}
	out, err := inLeaf(3, "cat", "/proc/self/cgroup").Output()
	fmt.Printf("in %s\n%v\n", filepath.Base(strings.TrimSpace(string(out))), err)
	if err := writeFile(dir, "pids.max", "max"); os.IsPermission(err) {
		fmt.Println("limit: permission denied")
	}
	os.Exit(0)
}

func TestTheRateOfReadingFromADiskHolds(t *testing.T) {
	testhost.Need(t, "root", "losetup")
	p := parent(t, "io")
	image := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(image, make([]byte, 8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "--find", "--show", image).Output()
	if err != nil {
		testhost.Lacks(t, "losetup", "no loop device: %v", err)
	}
	device := strings.TrimSpace(string(out))
	defer exec.Command("losetup", "-d", device).Run()
	_, leaf := newLeaf(t, p, policies.Limits{IO: []policies.IOMax{{Device: device,
		ReadBPS: 1 << 20}}, IOWeight: 50})
	begin := time.Now()
	if err := inLeaf(leaf.FD(), "dd", "if="+device, "of=/dev/null", "bs=64k", "count=48",
		"iflag=direct", "status=none").Run(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < 2*time.Second {
		t.Errorf("3 MiB at 1 MiB/s took only %v", took)
	}
}
