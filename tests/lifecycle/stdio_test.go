package lifecycle

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// shell runs a line of sh around mcpbox, for redirections that os/exec can't make.
func shell(t *testing.T, line string) (string, error) {
	t.Helper()
	box(t, "")
	cmd := exec.Command("sh", "-c", strings.ReplaceAll(line, "mcpbox", binary))
	out, err := cmd.Output()
	return string(out), err
}

func TestClosedStandardDescriptorsDoNotMatter(t *testing.T) {
	for _, line := range []string{
		`mcpbox run -- sh -c 'echo fine' 2>&-`,
		`mcpbox run -q -- sh -c 'echo fine' <&-`,
		`mcpbox run -q -- sh -c 'echo fine >&2' 2>&1 >&-`,
		`mcpbox run -q -- sh -c 'echo fine; exec >&-' <&- 2>&-`,
	} {
		if out, err := shell(t, line); err != nil || out != "fine\n" {
			t.Errorf("%s: %q, %v", line, out, err)
		}
	}
}

func TestInheritedDescriptorsDoNotReachTheTool(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	read := `sh -c 'cat <&9'`
	if out, err := shell(t, read+" 9<"+secret); err != nil || out != "secret" {
		t.Fatalf("bare, the descriptor is not there either: %q, %v", out, err)
	}
	if out, err := shell(t, `mcpbox run -q -- `+read+` 9<`+secret+` 2>/dev/null`); err == nil || out != "" {
		t.Errorf("inside: %q, %v", out, err)
	}
	out, err := shell(t, `mcpbox run -q -- sh -c 'ls /proc/self/fd' 9<`+secret)
	if err != nil || out != "0\n1\n2\n3\n" { // ls itself opens 3
		t.Errorf("descriptors inside: %q, %v", out, err)
	}
}

func TestAReaderThatNeverReadsDoesNotKeepTheRunAlive(t *testing.T) {
	cmd, marker := box(t, `yes $0`)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	eventually(t, "the pipe fills up", func() bool {
		n, err := unix.IoctlGetInt(int(r.Fd()), unix.TIOCINQ)
		return err == nil && n >= 4096
	})
	cmd.Process.Signal(unix.SIGTERM)
	if code := exit(t, cmd); code != 143 {
		t.Errorf("exit code %d, want 143", code)
	}
	if left := processes(t, marker); len(left) > 0 {
		t.Errorf("processes %v survived", left)
	}
}

func TestAFullDiskForEventsIsReportedAndTheRunContinues(t *testing.T) {
	box(t, "")
	cmd := exec.Command(binary, "run", "--events", "/dev/full", "--", "sh", "-c",
		"unshare -r true; exit 5")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 5 {
		t.Errorf("exit code %d, want the tool's own 5", code)
	}
	if !strings.Contains(stderr.String(), "events file /dev/full: 1 line lost") {
		t.Errorf("the loss is not said: %q", stderr.String())
	}
}

// The limit of file sizes applies to the tool's own files. A log of the caller may already be
// longer.
func TestALongLogCanBeAppendedTo(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	for _, preset := range []string{"standard", "strict"} {
		if err := os.WriteFile(log, []byte("old\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(log, 300<<20); err != nil {
			t.Fatal(err)
		}
		line := `mcpbox run -q --best-effort --policy ` + preset +
			` -- sh -c 'echo one; echo two >&2; echo three' >>` + log + ` 2>&1`
		if out, err := shell(t, line); err != nil {
			t.Errorf("%s: %v %s", preset, err, out)
		}
		f, err := os.Open(log)
		if err != nil {
			t.Fatal(err)
		}
		var tail [1024]byte
		n, _ := f.ReadAt(tail[:], 300<<20)
		f.Close()
		if got := string(tail[:n]); !strings.HasSuffix(got, "one\ntwo\nthree\n") {
			t.Errorf("%s: appended %q", preset, got)
		}
	}
}

func TestTheToolsOwnFilesAreLimited(t *testing.T) {
	cmd, _ := box(t, `head -c 2000000 /dev/zero >/tmp/f`, "--file-size", "1MiB")
	if code := exit(t, startedQuietly(t, cmd)); code == 0 {
		t.Error("it wrote more than it may")
	}
	out, err := shell(t, `mcpbox run -q --file-size 1MiB -- head -c 2000000 /dev/zero | wc -c`)
	if err != nil || strings.TrimSpace(out) != "2000000" {
		t.Errorf("its output is limited as well: %q, %v", out, err)
	}
}

func startedQuietly(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// Without --tty, the caller's terminal is not the tool's controlling terminal, so the kernel
// reports a new size only to mcpbox.
func TestAChangeOfTheWindowIsPassedOn(t *testing.T) {
	cmd, _ := box(t, `trap 'exit 9' WINCH; echo ready; while :; do sleep 0.05; done`)
	started(t, cmd)
	cmd.Process.Signal(unix.SIGWINCH)
	if code := exit(t, cmd); code != 9 {
		t.Errorf("exit code %d, want 9", code)
	}
}
