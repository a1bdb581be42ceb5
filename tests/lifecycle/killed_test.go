package lifecycle

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// family is a long-lived tool with a child, and with a grandchild in another session.
const family = `(sleep 1000; : $0) & (setsid sh -c "sleep 1000; : $0" &) ; echo ready; wait; sleep 1000`

func TestKillingMcpboxLeavesNoProcess(t *testing.T) {
	cmd, marker := box(t, family)
	started(t, cmd)
	if len(processes(t, marker)) == 0 {
		t.Fatal("the tool is not to be seen from outside: this test would prove nothing")
	}
	cmd.Process.Kill()
	exit(t, cmd)
	eventually(t, "every process of the sandbox ends", func() bool {
		return len(processes(t, marker)) == 0
	})
}

func TestTheNextRunRemovesTheFilesOfAKilledOne(t *testing.T) {
	cmd, _ := box(t, family)
	state := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		state = "/run"
	} else {
		cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+state)
	}
	locks := filepath.Join(state, "mcpbox", "locks")
	before, _ := os.ReadDir(locks)
	started(t, cmd)
	cmd.Process.Kill()
	exit(t, cmd)
	next, _ := box(t, "exit 0")
	next.Env = cmd.Env
	eventually(t, "nothing of the killed run is left", func() bool {
		again := exec.Command(next.Path, next.Args[1:]...)
		again.Env = next.Env
		if out, err := again.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		after, _ := os.ReadDir(locks)
		return len(after) <= len(before)
	})
}

// parent returns the parent of a process. proc_pid_stat(5)
func parent(t *testing.T, pid int) int {
	t.Helper()
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	ppid, err := strconv.Atoi(f[1])
	if err != nil {
		t.Fatal(err)
	}
	return ppid
}

func TestKillingProcess1EndsTheRun(t *testing.T) {
	cmd, marker := box(t, `echo ready; sleep 1000; : $0`)
	started(t, cmd)
	pids := processes(t, marker) // the shell, and maybe its child before the child executes sleep
	if len(pids) == 0 {
		t.Fatal("the tool is not to be seen from outside")
	}
	if err := unix.Kill(parent(t, slices.Min(pids)), unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if code := exit(t, cmd); code != 137 {
		t.Errorf("exit code %d, want 137", code)
	}
	if left := processes(t, marker); len(left) > 0 {
		t.Errorf("processes %v survived", left)
	}
}

func TestKillingTheToolEndsTheRunAndItsChildren(t *testing.T) {
	cmd, marker := box(t, `sleep 1000 & echo ready; wait; : $0`)
	started(t, cmd)
	for _, pid := range processes(t, marker) {
		unix.Kill(pid, unix.SIGKILL)
	}
	if code := exit(t, cmd); code != 137 {
		t.Errorf("exit code %d, want 137", code)
	}
	if left := processes(t, marker); len(left) > 0 {
		t.Errorf("processes %v survived", left)
	}
}

func TestADaemonDoesNotOutliveTheRun(t *testing.T) {
	cmd, marker := box(t,
		`(setsid sh -c "echo \$\$ > /tmp/pid; sleep 1000; : $0" </dev/null >/dev/null 2>&1 &) ; while ! [ -s /tmp/pid ]; do :; done; exit 3`)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if code := exit(t, cmd); code != 3 {
		t.Errorf("exit code %d, want 3", code)
	}
	if left := processes(t, marker); len(left) > 0 {
		t.Errorf("processes %v survived", left)
	}
}

func TestSIGTERMReachesTheTool(t *testing.T) {
	cmd, _ := box(t, `trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done`)
	started(t, cmd)
	cmd.Process.Signal(unix.SIGTERM)
	if code := exit(t, cmd); code != 9 {
		t.Errorf("exit code %d, want the tool's own 9", code)
	}
}
