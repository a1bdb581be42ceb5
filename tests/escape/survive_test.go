package escape

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// A daemon: a session of its own, and no parent that waits.
func TestADaemonDoesNotSurviveTheRun(t *testing.T) {
	marker := "mcpbox-daemon-" + strconv.Itoa(os.Getpid())
	hold(t, claim{
		attack: `
	pid_t pid = TRY(fork());
	if (!pid) {
		setsid();
		for (int fd = 0; fd < 3; fd++) close(fd);
		if (fork() == 0) { sleep(1000); }
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	if (argc > 2) held("whether it lives is seen outside");`,
		args: []string{marker}, inside: []string{marker, "inside"},
		harmed: func(bool) bool { return killAll(marker) > 0 },
		events: []string{"clone"}, silent: []string{"basic", "standard"},
	})
}

// Whoever kills mcpbox itself leaves nothing running either.
func TestNothingSurvivesTheDeathOfMcpbox(t *testing.T) {
	t.Parallel()
	dir := compile(t, `puts("running"); fflush(stdout); sleep(1000);`)
	for _, preset := range []string{"basic", "standard"} {
		marker := "mcpbox-orphan-" + preset + strconv.Itoa(os.Getpid())
		cmd := exec.Command(mcpbox, "run", "-q", "--policy", preset, "--mount", dir+":/attack:ro",
			"--", "/attack/attack", marker)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if n, err := out.Read(make([]byte, 64)); n == 0 {
			t.Fatalf("it did not start: %v", err)
		}
		if len(withArgument(marker)) < 2 { // mcpbox and the tool
			t.Fatal("the tool is not to be seen: this test would prove nothing")
		}
		cmd.Process.Kill()
		cmd.Wait()
		end := time.Now().Add(10 * time.Second)
		for ; len(withArgument(marker)) > 0; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Errorf("%s: HOLE: %d processes live on", preset, killAll(marker))
				break
			}
		}
	}
}

// withArgument lists the processes of the host that have marker among their arguments.
func withArgument(marker string) (pids []int) {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		line, _ := os.ReadFile(dir + "/cmdline")
		if bytes.Contains(line, []byte("\x00"+marker)) {
			pid, _ := strconv.Atoi(filepath.Base(dir))
			pids = append(pids, pid)
		}
	}
	return pids
}

func killAll(marker string) int {
	pids := withArgument(marker)
	for _, pid := range pids {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	return len(pids)
}
