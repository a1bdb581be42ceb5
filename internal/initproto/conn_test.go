package initproto

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pair returns both ends as the two processes use them.
func pair(t *testing.T) (supervisor, init *Conn) {
	t.Helper()
	s, theirs, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.FcntlInt(theirs.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	theirs.Close()
	if err != nil {
		t.Fatal(err)
	}
	i, err := FromFD(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); i.Close() })
	return s, i
}

func TestAMessageArrivesAsItWasSent(t *testing.T) {
	s, i := pair(t)
	sent := Message{Kind: Exited, Process: 3, Exit: &Exit{Status: 256, UserUsec: 5, SysUsec: 6,
		MaxRSSKiB: 7}, Fault: Fault{StepMount, 4, unix.EPERM}}
	if err := i.Send(sent, nil); err != nil {
		t.Fatal(err)
	}
	got, body, fds, err := s.Receive()
	if err != nil || !reflect.DeepEqual(got, sent) || body != nil || len(fds) != 0 {
		t.Errorf("received %+v, %q, %v, %v; sent %+v", got, body, fds, err, sent)
	}
}

func TestALargeBodyAndDescriptorsTravelTogether(t *testing.T) {
	s, i := pair(t)
	body := SpawnBody{
		Argv: []string{strings.Repeat("x", 1<<20), ""}, Env: []string{"A=b"}, Dir: "/work",
		TTY: true, Rows: 65535, Cols: 1, InCgroup: true,
		Umask: 0o77, OuterID: 1, ToolID: -1, CloneFlags: math.MaxUint64, Mounts: []MountOp{{},
			{"a", "b", "c", 1 << 63, "d", 0o700, true}},
		Rlimits: []Rlimit{{7, 0, math.MaxUint64}}, Filter: bytes.Repeat([]byte{1, 2}, 4096),
		FilterFlags: 40,
		Landlock: &Landlock{1, 2, 3, []LandlockRule{{"/", math.MaxUint64, true}}, [3]uint64{4, 0,
			6}, "canary"},
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := s.Send(Message{Kind: Spawn, Process: 1}, &body, int(w.Fd())); err != nil {
		t.Fatal(err)
	}
	w.Close()
	m, data, fds, err := i.Receive()
	if err != nil || m.Kind != Spawn || len(fds) != 1 {
		t.Fatalf("received %+v, %v, %v", m, fds, err)
	}
	var got SpawnBody
	if err := Decode(data, &got); err != nil || !reflect.DeepEqual(got, body) {
		t.Errorf("the body changed on its way (%v)", err)
	}
	if flags, err := unix.FcntlInt(uintptr(fds[0]), unix.F_GETFD, 0); err != nil ||
		flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("a received descriptor would leak into a tool: flags %#x, %v", flags, err)
	}
	if _, err := unix.Write(fds[0], []byte("through")); err != nil {
		t.Fatal(err)
	}
	CloseAll(fds)
	if got, _ := io.ReadAll(r); string(got) != "through" {
		t.Errorf("the descriptor is another file: read %q", got)
	}
}

func TestTheOtherEndsDeathIsEOF(t *testing.T) {
	s, i := pair(t)
	i.Close()
	if _, _, _, err := s.Receive(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want EOF", err)
	}
}

func TestCloseWakesABlockedReceive(t *testing.T) {
	s, _ := pair(t)
	done := make(chan error)
	go func() {
		_, _, _, err := s.Receive()
		done <- err
	}()
	s.Close()
	if err := <-done; err == nil {
		t.Error("Receive on a closed connection succeeded")
	}
}

// raw sends a packet that Send would refuse.
func raw(t *testing.T, c *Conn, packet []byte, fds ...int) {
	t.Helper()
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	if err := unix.Sendmsg(int(c.f.Fd()), packet, oob, nil, 0); err != nil {
		t.Fatal(err)
	}
}

func TestBadPacketsAreErrorsAndLeakNoDescriptor(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	huge, err := unix.MemfdCreate("huge", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(huge)
	if err := unix.Ftruncate(huge, maxBody+1); err != nil {
		t.Fatal(err)
	}
	announced := encode(&Message{Kind: Spawn, HasBody: true})
	for _, c := range []struct {
		name   string
		packet []byte
		fds    []int
	}{
		{"cut short", announced[:len(announced)-1], []int{int(null.Fd())}},
		{"with something behind its end", append(bytes.Clone(announced), 0), []int{int(null.Fd())}},
		{"a text that is longer than the packet", []byte{100, 'x'}, []int{int(null.Fd())}},
		{"a body that was announced and is not there", announced, nil},
		{"a body over the bound", announced, []int{huge}},
		{"longer than a packet may be", make([]byte, maxPacket+1), []int{int(null.Fd())}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, i := pair(t)
			before := openFiles(t)
			raw(t, i, c.packet, c.fds...)
			if m, _, fds, err := s.Receive(); err == nil || fds != nil {
				t.Errorf("received %+v with %v", m, fds)
			}
			if after := openFiles(t); after != before {
				t.Errorf("%d descriptors before, %d after", before, after)
			}
		})
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestEveryStepHasAName(t *testing.T) {
	seen := map[string]bool{}
	for s := StepNone; s <= StepDied; s++ {
		name := s.String()
		if name == "" || strings.HasPrefix(name, "step ") || seen[name] {
			t.Errorf("step %d is called %q", int(s), name)
		}
		seen[name] = true
	}
	for _, s := range []Step{-1, StepDied + 1} {
		if !strings.HasPrefix(s.String(), "step ") {
			t.Errorf("step %d is called %q", int(s), s)
		}
	}
	if !errors.Is(Fault{StepMount, 2, unix.EPERM}, unix.EPERM) {
		t.Error("a fault hides its errno")
	}
}
