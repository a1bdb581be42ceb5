package escape

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// The tool fills the pipe that is everybody's standard error and makes it non-blocking. What mcpbox
// says about it must arrive all the same, and the caller finds the pipe as it was.
func TestCannotSilenceMcpboxByANonBlockingStderr(t *testing.T) {
	t.Parallel()
	dir := compile(t, `
	fcntl(2, F_SETFL, O_NONBLOCK);
	char page[4096];
	memset(page, '.', sizeof page);
	while (write(2, page, sizeof page) > 0);
	syscall(SYS_add_key, "user", "x", "x", 1, -2);
	printf("full\n"); fflush(stdout);
	sleep(1000);`)
	for name, flags := range map[string][]string{"cold": nil,
		"a cell built ahead": {"--resident"}} {
		t.Run(name, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			w.Fd() // from now on it blocks, as a shell's pipes do
			before := statusFlags(t, w)
			result := filepath.Join(t.TempDir(), "result")
			args := append(append([]string{"run"}, flags...), "--timeout", "2s", "--result",
				result, "--mount",
				scratch+":/attack:ro", "--", dir[strings.LastIndex(dir, "/")+1:])
			args[len(args)-1] = "/attack/" + args[len(args)-1] + "/attack"
			cmd := exec.Command(mcpbox, args...)
			cmd.Stderr = w
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line := make([]byte, 5)
			if _, err := io.ReadFull(out, line); err != nil || string(line) != "full\n" {
				t.Fatalf("%q, %v", line, err)
			}
			during := statusFlags(t, w)
			if during&unix.O_NONBLOCK == 0 {
				t.Fatal("the attack proves nothing: the caller's pipe is as it was")
			}
			// The run is over, and nobody has read: what is left to say waits, and is not thrown
			// away.
			const pause = 5 * time.Millisecond
			for end := time.Now().Add(deadline); time.Now().Before(end); time.Sleep(pause) {
				if st, err := os.Stat(result); err == nil && st.Size() > 0 {
					break
				}
			}
			said := make(chan string)
			go func() {
				text, _ := io.ReadAll(r)
				said <- string(text)
			}()
			_ = cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != 124 {
				t.Errorf("exit code %d", code)
			}
			if now := statusFlags(t, w); now != before {
				t.Errorf("HOLE: the caller's pipe had the flags %#x and has %#x", before, now)
			}
			w.Close()
			text := <-said
			if !strings.Contains(text, "mcpbox: ended: ") {
				t.Errorf("HOLE: it was not said why the run ended: %q", strings.Trim(text, "."))
			}
		})
	}
}

func statusFlags(t *testing.T, f *os.File) int {
	t.Helper()
	conn, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	flags := 0
	if err := conn.Control(func(fd uintptr) {
		flags, err = unix.FcntlInt(fd, unix.F_GETFL, 0)
	}); err != nil {
		t.Fatal(err)
	}
	return flags
}

// What the tool does to a terminal that it shares is undone at its end: nobody else may open it, no
// echo, output stopped.
func TestTheCallersTerminalIsPutBack(t *testing.T) {
	t.Parallel()
	testhost.Need(t, "pty")
	dir := compile(t, `
#include <termios.h>
static void attack(int argc, char **argv) {
	struct termios t;
	tcgetattr(0, &t);
	t.c_lflag &= ~(ECHO | ICANON);
	t.c_oflag &= ~OPOST;
	tcsetattr(0, TCSANOW, &t);
	ioctl(0, TIOCEXCL, 0);
	fcntl(0, F_SETFL, O_RDWR | O_NONBLOCK);
	if (argc > 1) ioctl(0, TCXONC, TCOOFF);
}`)
	for _, command := range [][]string{
		{dir + "/attack"},
		{mcpbox, "run", "-q", "--mount", dir + ":/attack:ro", "--", "/attack/attack", "stop"},
		{mcpbox, "run", "-q", "--resident", "--mount", dir + ":/attack:ro", "--", "/attack/attack",
			"stop"},
	} {
		master, slave := pty(t)
		slave.Fd()
		before := statusFlags(t, slave)
		terminal, err := unix.IoctlGetTermios(int(master.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		_ = cmd.Run()
		now, err := unix.IoctlGetTermios(int(master.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		exclusive, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGEXCL)
		changed := statusFlags(t, slave) != before || *now != *terminal || exclusive != 0
		bare := command[0] != mcpbox
		if bare && !changed {
			t.Error("the attack proves nothing: the terminal is as it was")
		}
		if !bare && changed {
			t.Errorf("HOLE: %v: the terminal is another one: flags %#x, %#x; %+v, %+v; exclusive "+
				"%d, %v",
				command, before, statusFlags(t, slave), terminal, now, exclusive, err)
		}
	}
}

// pty makes a terminal. pts(4)
func pty(t *testing.T) (master, slave *os.File) {
	t.Helper()
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
	slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}
