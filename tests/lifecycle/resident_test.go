package lifecycle

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// ownCopy makes a copy of mcpbox, because each executable has its own resident process.
func ownCopy(t *testing.T) string {
	t.Helper()
	testhost.Need(t, "sandbox")
	data, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "mcpbox")
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func startResident(t *testing.T, own string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(own, "resident")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	eventually(t, "the resident listens", func() bool {
		return exec.Command(own, "resident", "--status").Run() == nil
	})
	return cmd
}

// However early or late the resident process is killed, no process is left. Its fronts report that
// it has ended, and the next call starts a new one.
//
// MCPBOX_KILLS says how often, instead of 8 times.
func TestAKilledResidentLeavesNothing(t *testing.T) {
	own := ownCopy(t)
	kills, err := strconv.Atoi(cmp.Or(os.Getenv("MCPBOX_KILLS"), "8"))
	if err != nil {
		t.Fatal(err)
	}
	before := ownMounts(t)
	for round := range kills {
		resident := startResident(t, own)
		marker := fmt.Sprintf("resident-%d-%d", os.Getpid(), time.Now().UnixNano())
		var fronts sync.WaitGroup
		codes := make([]int, 4)
		for i := range codes {
			fronts.Go(func() {
				out, err := exec.Command(own, "run", "--resident", "-q", "--", "sh", "-c",
					"sleep 1000 & sleep 1000; : "+marker).CombinedOutput()
				var exit *exec.ExitError
				if errors.As(err, &exit) {
					codes[i] = exit.ExitCode()
				}
				if codes[i] == 125 && !strings.Contains(string(out), "mcpbox: ") {
					t.Errorf("round %d: a front ended without a word: %q", round, out)
				}
			})
		}
		// a random moment, because the claim is about any moment
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
		_ = resident.Process.Signal(syscall.SIGKILL)
		_ = resident.Wait()
		// Fronts that found no resident process have started their commands themselves. Wait for
		// these.
		eventually(t, "the fronts end", func() bool {
			for _, pid := range processes(t, marker) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			done := make(chan struct{})
			go func() { fronts.Wait(); close(done) }()
			select {
			case <-done:
				return true
			case <-time.After(20 * time.Millisecond):
				return false
			}
		})
		eventually(t, "every process ends", func() bool { return len(processes(t, marker)) == 0 })
	}
	// A front that found no resident process may have started another one.
	t.Cleanup(func() { _ = exec.Command(own, "resident", "--stop").Run() })
	// The next start removes what is left in the state folder.
	if out, err := exec.Command(own, "run", "-q", "--", "true").CombinedOutput(); err != nil {
		t.Errorf("the next start: %v\n%s", err, out)
	}
	_ = exec.Command(own, "resident", "--stop").Run()
	eventually(t, "no process is left, and no mount", func() bool {
		return len(executing(t, own)) == 0 && ownMounts(t) <= before
	})
	if out, err := exec.Command(own, "gc").CombinedOutput(); err != nil {
		t.Errorf("gc: %v\n%s", err, out)
	}
}

// executing returns the processes of an executable, such as sandboxes that are about to start.
func executing(t *testing.T, path string) (pids []string) {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range links {
		if exe, _ := os.Readlink(link); exe == path {
			pids = append(pids, filepath.Base(filepath.Dir(link)))
		}
	}
	return pids
}

func ownMounts(t *testing.T) int {
	t.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(mounts), "\n")
}

// A front in another mount namespace sees other files at the same paths. It starts its command by
// itself.
func TestAFrontWithOtherMountsIsNotServed(t *testing.T) {
	testhost.Need(t, "root")
	own := ownCopy(t)
	startResident(t, own)
	dir := t.TempDir()
	for _, name := range []string{"seen", "hidden"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "file"), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("unshare", "-m", "sh", "-c", "mount --bind seen hidden && exec "+own+
		" run --resident -q --workspace hidden -- cat file")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "seen" {
		t.Errorf("%q, %v", out, err)
	}
}

// A terminal works as without --resident: it is one of the sandbox's own, it has the size of the
// caller's, and ^C reaches the program. What is typed after the program's end is not read.
func TestATerminalInTheResident(t *testing.T) {
	own := ownCopy(t)
	startResident(t, own)
	for _, typed := range []string{"hello\n", "\x03"} {
		master, slave := terminal(t)
		size := &unix.Winsize{Row: 33, Col: 99}
		if err := unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, size); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(own, "run", "--resident", "--tty", "-q", "--", "sh", "-c",
			`tty; stty size; echo ready; read x; echo "got $x" > /dev/tty; exit 7`)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		seen := ""
		until := func(word string) {
			for buf := make([]byte, 256); !strings.Contains(seen, word); {
				n, err := master.Read(buf)
				if err != nil {
					t.Fatalf("%v after %q", err, seen)
				}
				seen += string(buf[:n])
			}
		}
		until("ready")
		if !strings.Contains(seen, "/dev/pts/0\r\n33 99\r\n") {
			t.Errorf("%q", seen)
		}
		master.Write([]byte(typed))
		want := 130
		if typed != "\x03" {
			want = 7
			until("got hello")
		}
		if code := exit(t, cmd); code != want {
			t.Errorf("exit code %d, want %d: %q", code, want, seen)
		}
		master.Write([]byte("next\n"))
		next := make([]byte, 5)
		if n, err := slave.Read(next); string(next[:n]) != "next\n" {
			t.Errorf("the caller reads %q, %v", next[:n], err)
		}
	}
}

// If a front is killed, its program ends, and no other.
func TestAKilledFrontEndsItsProgram(t *testing.T) {
	own := ownCopy(t)
	startResident(t, own)
	front := func() (*exec.Cmd, string) {
		marker := fmt.Sprintf("front-%d-%d", os.Getpid(), time.Now().UnixNano())
		cmd := exec.Command(own, "run", "--resident", "-q", "--", "sh", "-c",
			"echo ready; sleep 1000; : "+marker)
		started(t, cmd)
		return cmd, marker
	}
	killed, gone := front()
	_, stays := front()
	_ = killed.Process.Kill()
	eventually(t, "its program ends", func() bool { return len(processes(t, gone)) == 0 })
	if len(processes(t, stays)) == 0 {
		t.Error("another front's program has ended, too")
	}
}
