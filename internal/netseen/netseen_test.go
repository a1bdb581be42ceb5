package netseen

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

func TestAddressesAreReadAsTheKernelWritesThem(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:1F90":                         "127.0.0.1:8080",
		"00000000:0016":                         "0.0.0.0:22",
		"00000000000000000000000001000000:1F90": "[::1]:8080",
		"0000000000000000FFFF00000100007F:0050": "127.0.0.1:80",
	} {
		if got, ok := address(text); !ok || got.String() != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	for _, text := range []string{"", "zz:1", "01:1", "0100007F"} {
		if got, ok := address(text); ok {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestAListenerOfItsOwnIsSeen(t *testing.T) {
	n, err := Open("/proc/self")
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if got := fmt.Sprint(n.Listening()); !strings.Contains(got, l.Addr().String()) {
		t.Errorf("%s is not in %s", l.Addr(), got)
	}
}

// A process in a namespace without a connection to the outside tries to connect and to look up a
// name. Both attempts are counted, and the counters can be read after it has ended.
func TestAttemptsAreSeenAfterTheProcessHasEnded(t *testing.T) {
	testhost.Need(t, "sandbox", "python3")
	const script = `import socket, sys
print("ready", flush=True); sys.stdin.readline()
try: socket.create_connection(("192.0.2.1", 80))
except OSError: pass
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b"x", ("127.0.0.1", 53))
`
	cmd := exec.Command("unshare", "--user", "--net", "--map-root-user", "sh", "-c",
		"ip link set lo up 2>/dev/null; exec python3 -c \"$1\"", "sh", script)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make([]byte, 5)
	if _, err := stdout.Read(ready); err != nil {
		t.Fatal(err)
	}
	n, err := Open(fmt.Sprintf("/proc/%d", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if c, l := n.Tried(); c != 0 || l != 0 {
		t.Errorf("before: %d, %d", c, l)
	}
	fmt.Fprintln(stdin)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if c, _ := n.Tried(); c != 1 {
		t.Errorf("%d connections", c)
	}
	if _, err := os.Stat("/sbin/ip"); err == nil { // otherwise lo is down, and has no ports
		if _, l := n.Tried(); l != 1 {
			t.Errorf("%d look-ups", l)
		}
	}
}
