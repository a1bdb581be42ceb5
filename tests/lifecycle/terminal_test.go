package lifecycle

import (
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"golang.org/x/sys/unix"
)

// terminal makes a pty. pts(4)
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	testhost.Need(t, "pty")
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY,
		0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

// ^C reaches the tool's children, as without mcpbox: a shell waits for its child before it reacts.
func TestControlCReachesTheToolsChildren(t *testing.T) {
	boxed, _ := box(t, `sh -c "echo ready; exec sleep 1000"; echo after`)
	for _, cmd := range []*exec.Cmd{exec.Command("sh", boxed.Args[len(boxed.Args)-3:]...), boxed} {
		master, slave := terminal(t)
		cmd.Stdin, cmd.Stdout = slave, slave
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		seen := ""
		for buf := make([]byte, 64); !strings.Contains(seen, "ready"); {
			n, err := master.Read(buf)
			if err != nil {
				t.Fatalf("%v after %q", err, seen)
			}
			seen += string(buf[:n])
		}
		go io.Copy(io.Discard, master)
		master.Write([]byte{3})
		if code := exit(t, cmd); code == 0 {
			t.Errorf("%v: exit code 0", cmd.Args[0])
		}
	}
}
