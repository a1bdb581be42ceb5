package limits

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

func TestASandboxSeesItsOwnCgroupAndCannotWriteIt(t *testing.T) {
	requireCgroup2(t)
	o := run(t, "--memory", "100MiB", "--pids", "33", "--cpus", "0.5", "--", "sh", "-c", `
		cd /sys/fs/cgroup
		cat /proc/self/cgroup memory.max memory.swap.max pids.max cpu.max
		grep -c . cgroup.procs >/dev/null && echo procs
		find . -mindepth 1 -type d | wc -l
		for f in memory.max pids.max cpu.max cgroup.procs cgroup.subtree_control; do echo 1 2>&- >$f && echo "wrote $f"; done
		mkdir x && echo "made a cgroup"
		true`)
	want := "0::/\n104857600\n0\n33\n50000 100000\nprocs\n0\n"
	if o.stdout != want {
		t.Errorf("inside:\n%s\nwant:\n%s\n%s", o.stdout, want, o.stderr)
	}
}

func TestNodeDerivesItsHeapFromTheLimit(t *testing.T) {
	requireCgroup2(t)
	testhost.Need(t, "node")
	path, err := exec.LookPath("node")
	if err != nil || !strings.HasPrefix(path, "/usr/") {
		testhost.Lacks(t, "node", "it is not in /usr")
	}
	o := run(t, "--memory", "300MiB", "--", "node", "-p",
		"process.constrainedMemory() + ' ' + v8.getHeapStatistics().heap_size_limit")
	f := strings.Fields(o.stdout)
	if !o.Success || len(f) != 2 || f[0] != strconv.Itoa(300*mib) {
		t.Fatalf("node says %q\n%s", o.stdout, o.stderr)
	}
	if heap, _ := strconv.Atoi(f[1]); heap > 300*mib {
		t.Errorf("node would let its heap grow to %d bytes, the limit is 300 MiB", heap)
	}
}
