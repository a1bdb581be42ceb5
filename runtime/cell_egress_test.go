package runtime

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/internal/testnet"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime/internal/verify"
)

// netBox is a sandbox of cells whose policy allows one host by name: a server of this test, on the
// loopback device, that greets each connection.
func netBox(t *testing.T) (box *Sandbox, port int) {
	t.Helper()
	testhost.Need(t, "sandbox", "python3")
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "greetings from the host")
			conn.Close()
		}
	}()
	packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { packets.Close() })
	names := testnet.ServeNames(packets)
	names.Set("api.example.test", "127.0.0.1")
	port = l.Addr().(*net.TCPAddr).Port
	p := standard(t)
	p.Limits.CPUs = 0 // that a slow machine slows a program down is an event, too
	p.AllowNetwork(policies.NetworkRule{Host: "api.example.test", Ports: []int{port}},
		policies.NetworkRule{Host: "127.0.0.1", Ports: []int{port}})
	p.Network.DNS.Servers = []string{names.Addr}
	return startBoxOf(t, p, 4), port
}

// visit connects to a host and says what it hears.
func visit(host string, port int) Command {
	return Command{Args: []string{"python3", "-c", fmt.Sprintf(`import socket
try: print(socket.create_connection((%q, %d), 20).recv(99).decode())
except OSError as e: print("failed:", e)`, host, port)}}
}

func TestACellReachesOnlyWhatItsPolicyAllows(t *testing.T) {
	box, port := netBox(t)
	var out bytes.Buffer
	cmd := visit("api.example.test", port)
	cmd.Stdout = &out
	res := inCell(t, box, cmd)
	if out.String() != "greetings from the host\n" {
		t.Errorf("%q, %+v", out.String(), res)
	}
	if n := res.Network; len(n) != 1 || n[0].Host != "api.example.test" || n[0].Port != port ||
		n[0].Connections != 1 || n[0].Received != int64(len("greetings from the host")) {
		t.Errorf("network %+v", n)
	}
	if res.Layers[policies.LayerNetworkNamespace] != Enforced {
		t.Errorf("layers %+v", res.Layers)
	}
	out.Reset()
	cmd = visit("evil.example.test", port)
	cmd.Stdout = &out
	res = inCell(t, box, cmd)
	if !strings.HasPrefix(out.String(), "failed:") || len(res.Events) != 1 ||
		res.Events[0].Rule != "egress:name" || res.Events[0].Type != monitor.PermissionDenied {
		t.Errorf("%q, events %+v", out.String(), res.Events)
	}
	if len(res.Network) != 0 {
		t.Errorf("connections of the cell before are counted again: %+v", res.Network)
	}
}

// Each cell has its own listeners, its own names and its own record.
func TestCellsHaveSeparateNetworks(t *testing.T) {
	box, port := netBox(t)
	first := builtCell(t, box)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	// It looks the name up, connects, listens on all of its addresses, and stays.
	cmd := Command{Args: []string{"python3", "-c", fmt.Sprintf(`import socket
addr = socket.getaddrinfo("api.example.test", %d, socket.AF_INET)[0][4][0]
c = socket.create_connection((addr, %[1]d), 20)
l = socket.create_server(("", 9999))
print(addr, flush=True)
while True: l.accept()[0].send(b"the other cell's secret")`, port)}}
	cmd.Stdout = w
	alive, err := first.Start(t.Context(), cmd)
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 64)
	n, err := r.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	addr := strings.TrimSpace(string(line[:n]))
	if a := net.ParseIP(addr); a == nil {
		t.Fatalf("the first cell says %q", addr)
	}
	var out bytes.Buffer
	cmd = Command{Stdout: &out, Args: []string{"python3", "-c", fmt.Sprintf(`import socket
for to in [("%[1]s", %[2]d), ("%[1]s", 9999), ("127.0.0.1", 9999), ("198.19.255.254", 9999)]:
    try: print(to, socket.create_connection(to, 20).recv(99))
    except OSError as e: print(to, "failed:", e)
socket.create_server(("", 9999)); print("listens itself")`, addr, port)}}
	res := inCell(t, box, cmd)
	if strings.Contains(out.String(), "secret") || strings.Contains(out.String(), "greetings") ||
		strings.Count(out.String(), "failed:") != 4 ||
		!strings.Contains(out.String(), "listens itself") {
		t.Errorf("the second cell: %s", out.String())
	}
	if len(res.Network) != 0 || len(res.Events) != 1 || res.Events[0].Rule != "egress:address" {
		t.Errorf("the second cell's record: %+v, %+v", res.Network, res.Events)
	}
	alive.Kill()
	res, err = alive.Wait()
	if err != nil || len(res.Events) != 0 || len(res.Network) != 1 {
		t.Errorf("the first cell's record: %v, %+v, %+v", err, res.Network, res.Events)
	}
}

// The reaper of a cell makes the cell's routes and sockets. Before the program is cloned, it gives
// up the capabilities for that; nor has the sandbox's PID 1 any.
func TestACellsInitDropsItsNetworkCapabilities(t *testing.T) {
	box, port := netBox(t)
	cell := builtCell(t, box)
	defer cell.Close()
	gone := []uint{unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE}
	for _, pid := range []int{cell.pid, cell.c.container.PID} {
		if err := verify.Dropped(pid, gone...); err != nil {
			t.Error(err)
		}
	}
	// The check finds a capability that is there.
	if err := verify.Dropped(cell.pid, unix.CAP_SYS_ADMIN); err == nil {
		t.Error("the check says that the cell's PID 1 has no capabilities")
	}
	plain := cellBox(t, standard(t))
	other := builtCell(t, plain)
	defer other.Close()
	if err := verify.Dropped(other.pid, gone...); err == nil {
		t.Error("a cell without a network drops them too: the test shows nothing")
	}
	// Nor can the program change what they made.
	var out bytes.Buffer
	inCell(t, box, Command{Stdout: &out, Args: []string{"python3", "-c", fmt.Sprintf(`import socket
for port in [%d, 443, 80]:
    for option in [None, socket.SO_REUSEADDR, socket.SO_REUSEPORT]:
        s = socket.socket()
        if option: s.setsockopt(socket.SOL_SOCKET, option, 1)
        try: s.bind(("", port)); s.listen(); print("taken", port)
        except OSError as e: print("no", e)`, port)}})
	if strings.Contains(out.String(), "taken") || strings.Count(out.String(), "no [") != 9 {
		t.Error(out.String())
	}
}

func TestCellsWithANetworkLeaveNothing(t *testing.T) {
	box, port := netBox(t)
	run := func(n int) {
		for range n {
			inCell(t, box, visit("api.example.test", port))
			unused := builtCell(t, box)
			unused.Close()
		}
	}
	run(5)
	before, heap := takeFootprint(t), heapInUse()
	run(20)
	if left := before.left(t); left != "" {
		t.Error("left behind: " + left)
	}
	if grown := heapInUse() - heap; grown > 1<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
}
