package watchdog

import (
	"net"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// The queues of Unix and TCP sockets are seen, and what has been read is not.
func TestQueuesOfSocketsAreSeen(t *testing.T) {
	testhost.Need(t, "root") // for a network namespace in which nothing else happens
	runtime.LockOSThread()   // the thread ends with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	loopbackUp(t)
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC,
		unix.NETLINK_SOCK_DIAG)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSockets(fd)
	defer s.Close()
	ignore := func(uint16, func(int) int64) {}
	if !s.dump(unixRequest(), unixMessage, ignore) ||
		!s.dump(inetRequest(unix.AF_INET, unix.IPPROTO_TCP), inetMessage, ignore) {
		testhost.Lacks(t, "new-interface", "this kernel has no unix_diag or no tcp_diag")
	}
	const enough = 64 << 10
	block := make([]byte, 4096)
	for network, address := range map[string]string{"unix": t.TempDir() + "/s",
		"tcp": "127.0.0.1:0"} {
		send, receive := pair(t, network, address)
		before := s.memory()
		for range 25 {
			if _, err := send.Write(block); err != nil {
				t.Fatal(err)
			}
		}
		if grown := s.memory() - before; grown < enough {
			t.Errorf("%s: 100 KiB wait, and %d bytes are seen", network, grown)
		}
		for left := 25 * len(block); left > 0; {
			n, err := receive.Read(block)
			if err != nil {
				t.Fatal(err)
			}
			left -= n
		}
		if grown := s.memory() - before; grown >= enough {
			t.Errorf("%s: nothing waits, and %d bytes are seen", network, grown)
		}
	}
}

func loopbackUp(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		t.Fatal(err)
	}
}

func pair(t *testing.T, network, address string) (send, receive net.Conn) {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if send, err = net.Dial(network, l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if receive, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		send.Close()
		receive.Close()
	})
	return send, receive
}
