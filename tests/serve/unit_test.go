package serve

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/server/client"
	"github.com/mcpbox/mcpbox/tests/internal/built"
)

func TestTheUnitsAreWhatSystemdTakes(t *testing.T) {
	testhost.Need(t, "systemd")
	dir := t.TempDir()
	var files []string
	for _, kind := range []string{"service", "socket"} {
		text, err := exec.Command(built.Mcpbox(t), "serve", "--print-unit="+kind).Output()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "mcpbox."+kind)
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	out, err := exec.Command("systemd-analyze", append([]string{"verify", "--man=no"},
		files...)...).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "mcpbox") {
			t.Errorf("systemd-analyze: %s", line)
		}
	}
	if err != nil && !t.Failed() {
		t.Logf("systemd-analyze has found faults in other units of this host: %v\n%s", err, out)
	}
	if err := exec.Command(built.Mcpbox(t), "serve", "--print-unit=timer").Run(); err == nil {
		t.Error("it printed a unit that there is not")
	}
}

// As systemd does it: the socket is there before the daemon, and NOTIFY_SOCKET is told.
func TestASocketOfSystemdIsServed(t *testing.T) {
	testhost.Need(t, "sandbox")
	dir := folder(t)
	path := filepath.Join(dir, "s.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	passed, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	told, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "n"),
		Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer told.Close()
	cmd := exec.Command("sh", "-c", `LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"`, built.Mcpbox(t),
		"serve", "--best-effort", "--state", filepath.Join(dir, "state"))
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+filepath.Join(dir, "n"))
	cmd.ExtraFiles = []*os.File{passed}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	passed.Close()
	l.Close()
	buf := make([]byte, 64)
	n, err := told.Read(buf)
	if err != nil || string(buf[:n]) != "READY=1" {
		t.Fatalf("%q %v", buf[:n], err)
	}
	c, err := client.Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Version(bounded(t)); err != nil {
		t.Error(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if n, err = told.Read(buf); err != nil || string(buf[:n]) != "STOPPING=1" {
		t.Errorf("%q %v", buf[:n], err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("systemd's socket is gone: %v", err)
	}
}
