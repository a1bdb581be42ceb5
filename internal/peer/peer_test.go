package peer

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// A process in another user namespace has the user's id, as a tool has.
func TestAProcessInAnotherUserNamespaceIsElsewhere(t *testing.T) {
	testhost.Need(t, "sandbox", "python3")
	path := filepath.Join(t.TempDir(), "socket")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	connect := []string{"python3", "-c", `
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.recv(1)`, path}
	for elsewhere, command := range map[bool][]string{false: connect,
		true: append([]string{"unshare", "--user", "--map-current-user"}, connect...)} {
		cmd := exec.Command(command[0], command[1:]...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		c, err := l.AcceptUnix()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := c.SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		var p Process
		if e := raw.Control(func(fd uintptr) { p, err = Of(int(fd)) }); e != nil || err != nil {
			t.Fatal(e, err)
		}
		if p.UID != os.Geteuid() || p.Elsewhere != elsewhere {
			t.Errorf("%v: %+v", command[0], p)
		}
		c.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}
