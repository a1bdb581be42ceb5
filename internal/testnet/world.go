package testnet

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// Addresses of servers, as the machine sees them. The public ones are from the ranges for
// documentation.
const (
	Machine  = "203.0.113.1"  // the machine itself
	Public   = "203.0.113.10" // also the name server
	Other    = "203.0.113.11"
	Public6  = "2001:db8:1::10"
	Private  = "10.9.9.9"
	Metadata = "169.254.169.254"
)

// World is a machine and the private internet that it is connected to.
type World struct {
	Names *NameServer
	CA    *CA

	t       testing.TB
	machine string // process id of the process that holds its namespaces
	outside string // the same for the servers' namespaces
	conf    string // the resolv.conf of the machine
}

// New needs root. It removes everything when the test ends.
func New(t testing.TB) *World {
	t.Helper()
	testhost.Need(t, "root", "ip", "nsenter")
	w := &World{t: t, CA: NewCA(t)}
	w.machine, w.outside = hold(t), hold(t)
	w.ip(w.machine, "link add near type veth peer name far netns "+w.outside)
	w.ip(w.machine, "link set lo up", "addr add "+Machine+"/24 dev near",
		"addr add 2001:db8:1::1/64 dev near nodad", "link set near up")
	w.ip(w.outside, "link set lo up", "addr add "+Public+"/24 dev far",
		"addr add "+Public6+"/64 dev far nodad", "addr add "+Other+"/24 dev far", "link set far up",
		"addr add "+Private+"/32 dev lo", "addr add "+Metadata+"/32 dev lo")
	w.ip(w.machine, "route add default via "+Public, "route add "+Metadata+"/32 via "+Public)
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(conf, []byte("nameserver "+Public+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	w.conf = conf
	w.run(w.machine, "mount", "--bind", conf, "/etc/resolv.conf")
	var names net.PacketConn
	w.in(w.outside, func() (err error) {
		names, err = net.ListenPacket("udp", Public+":53")
		return err
	})
	t.Cleanup(func() { names.Close() })
	w.Names = ServeNames(names)
	return w
}

// hold starts an idle process in a new network and mount namespace.
func hold(t testing.TB) string {
	cmd := exec.Command("unshare", "--net", "--mount", "sh", "-c", "echo; exec cat")
	in, err := cmd.StdinPipe() // the end of the test's process closes it
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	if _, err := out.Read(make([]byte, 1)); err != nil { // it has entered its namespaces
		t.Fatalf("unshare: %v", err)
	}
	return strconv.Itoa(cmd.Process.Pid)
}

func (w *World) ip(holder string, lines ...string) {
	w.t.Helper()
	for _, line := range lines {
		w.run(holder, append([]string{"ip"}, strings.Fields(line)...)...)
	}
}

func (w *World) run(holder string, args ...string) {
	w.t.Helper()
	cmd := exec.Command("nsenter", append([]string{"-t", holder, "-n", "-m", "--"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// Command returns a command that runs on the machine.
func (w *World) Command(args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"-t", w.machine, "-n", "-m", "--"}, args...)...)
}

// Outside is a program that runs where the servers are, at their addresses.
func (w *World) Outside(args ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{"-t", w.outside, "-n", "-m", "--"}, args...)...)
}

// OnlyIPv6 takes IPv4 away from the machine. Its name server is then at Public6.
func (w *World) OnlyIPv6() {
	w.t.Helper()
	var names net.PacketConn
	w.in(w.outside, func() (err error) {
		names, err = net.ListenPacket("udp", "["+Public6+"]:53")
		return err
	})
	w.t.Cleanup(func() { names.Close() })
	w.Names.Serve(names)
	w.ip(w.machine, "-4 addr flush dev near")
	if err := os.WriteFile(w.conf, []byte("nameserver "+Public6+"\n"), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// OnlyIPv4 takes IPv6 away from the machine.
func (w *World) OnlyIPv4() {
	w.t.Helper()
	w.ip(w.machine, "-6 addr flush dev near", "-6 addr flush dev lo")
}

// Listen opens a TCP server at an address of the private internet. The test's end closes it.
func (w *World) Listen(addr string) net.Listener {
	w.t.Helper()
	return w.listen(w.outside, addr)
}

// EchoPackets opens a UDP server at an address of the private internet. It sends packets back.
func (w *World) EchoPackets(addr string) {
	w.t.Helper()
	var conn net.PacketConn
	w.in(w.outside, func() (err error) {
		conn, err = net.ListenPacket("udp", addr)
		return err
	})
	w.t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(buf[:n], from)
		}
	}()
}

// ListenHere opens a TCP server on the machine itself.
func (w *World) ListenHere(addr string) net.Listener {
	w.t.Helper()
	return w.listen(w.machine, addr)
}

func (w *World) listen(holder, addr string) net.Listener {
	w.t.Helper()
	var l net.Listener
	w.in(holder, func() (err error) {
		l, err = net.Listen("tcp", addr)
		return err
	})
	w.t.Cleanup(func() { l.Close() })
	return l
}

// Here runs f on the machine: a socket that f creates belongs to the machine.
func (w *World) Here(f func() error) {
	w.t.Helper()
	w.in(w.machine, f)
}

// in runs f in a network namespace. A socket stays in the namespace in which f creates it.
func (w *World) in(holder string, f func() error) {
	w.t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		ns, err := os.Open("/proc/" + holder + "/ns/net")
		if err == nil {
			defer ns.Close()
			if err = unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err == nil {
				err = f()
			}
		}
		done <- err
	}()
	if err := <-done; err != nil {
		w.t.Fatal(fmt.Errorf("network namespace: %w", err))
	}
}
