package cgroups

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/policies"
)

func TestHierarchyIsFoundWhereverItIsMounted(t *testing.T) {
	const (
		unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 " +
			"rw,nsdelegate\n"
		hybrid = "31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n32 23 0:28 " +
			"/ /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
		container = "30 23 0:26 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup rw\n"
	)
	for _, tc := range []struct {
		name, mounts, self string
		mount, path        string
		fails              bool
	}{
		{"unified", unified, "0::/user.slice/a.scope\n", "/sys/fs/cgroup", "/user.slice/a.scope",
			false},
		{"hybrid", hybrid, "4:memory:/x\n0::/y\n", "/sys/fs/cgroup/unified", "/y", false},
		{"subtree", container, "0::/docker/abc/leaf\n", "/sys/fs/cgroup", "/leaf", false},
		{"top of the subtree", container, "0::/docker/abc\n", "/sys/fs/cgroup", "/", false},
		{"another subtree", container, "0::/docker/xyz\n", "", "", true},
		{"v1 only", "31 23 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
			"4:memory:/x\n", "", "", true},
	} {
		h, err := findHierarchy(tc.mounts, tc.self)
		if tc.fails != (err != nil) {
			t.Errorf("%s: %v", tc.name, err)
		} else if tc.fails && !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v is not ErrUnavailable", tc.name, err)
		} else if !tc.fails && (h.mount != tc.mount || h.self != tc.path) {
			t.Errorf("%s: %+v", tc.name, h)
		}
	}
}

func TestOnlyLimitsThatAreSetReachTheKernel(t *testing.T) {
	all := []string{"cpu", "io", "memory", "pids"}
	r, err := resources(policies.Limits{}, all)
	if err != nil || len(r.Values()) != 0 {
		t.Errorf("no limits: %v, %v", r.Values(), err)
	}
	r, _ = resources(policies.Limits{Memory: 1 << 20, PIDs: 4, CPUs: 0.5}, []string{"cpu"})
	if r.Memory != nil || r.Pids != nil || r.CPU == nil || r.CPU.Max != "50000 100000" {
		t.Errorf("without the memory and pids controllers: %+v", r)
	}
	if r, _ = resources(policies.Limits{CPUs: 0.001}, all); r.CPU.Max != "1000 100000" {
		t.Errorf("below the kernel's smallest quota: %q", r.CPU.Max)
	}
}

func TestIOLimitOfAMissingDeviceIsAnError(t *testing.T) {
	_, err := resources(policies.Limits{IO: []policies.IOMax{{Device: "/nonexistent", ReadBPS: 1}}},
		[]string{"io"})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestALimitWithoutItsControllerIsReportedAsMissing(t *testing.T) {
	got := enforced(t.TempDir(), policies.Limits{Memory: 1, PIDs: 1, CPUs: 1, CPUTime: 1},
		[]string{"memory", "cpu"})
	if got["memory"] != "" || got["cpus"] != "" || got["cpu_time"] != "" || got["pids"] == "" ||
		len(got) != 4 {
		t.Errorf("got %v", got)
	}
}

func TestCPUTimeIsCheckedBeforeItCanRunOut(t *testing.T) {
	now := time.Unix(100, 0)
	l := policies.Limits{CPUTime: policies.Duration(10 * time.Second), CPUs: 0.5}
	at := nextLook(now, l, 9*time.Second+950*time.Millisecond)
	if at.Sub(now) != 100*time.Millisecond {
		t.Errorf("50 ms left at half a CPU: looks after %v", at.Sub(now))
	}
	if at := nextLook(now, policies.Limits{}, 0); !at.IsZero() {
		t.Errorf("nothing to look at, yet at %v", at)
	}
}

func TestFlatKeyedFilesAreReadByWholeKey(t *testing.T) {
	text := []byte("oom 3\noom_kill 12\nbad x\n")
	for key, want := range map[string]int64{"oom": 3, "oom_kill": 12, "kill": unknown,
		"bad": unknown} {
		if got := flatKeyed(text, key); got != want {
			t.Errorf("%s: %d, want %d", key, got, want)
		}
	}
}
