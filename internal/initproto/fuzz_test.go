package initproto

import (
	"bytes"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"
)

// FuzzDecode: decoding ends for any packet and any body, and every accepted value survives a round
// trip.
func FuzzDecode(f *testing.F) {
	for _, m := range []Body{
		&Message{Kind: Setup, HasBody: true}, &Message{Kind: Locked, Process: 1, PID: 2,
			Listener: -1, TTY: true}, &Message{Kind: Signal, Process: 1, Signal: 15},
		&Message{Kind: Exited, Process: 1, Exit: &Exit{Status: 9}}, &Message{Kind: Failed,
			Fault: Fault{StepExec, 1, unix.ENOEXEC}},
		&SetupBody{[]Dir{{"/a", 0o755, true}}, []File{{"/b", 0o600, []byte("c")}}, []Link{{"/d",
			"e"}}},
		&NetworkBody{IPv4: []byte{1, 2, 3, 4}, Ports: []int{443}},
		&SpawnBody{Argv: []string{"x"}, Mounts: []MountOp{{Target: "/"}},
			Landlock: &Landlock{Rules: []LandlockRule{{Path: "/"}}}, Filter: []byte{6}},
	} {
		f.Add(encode(m))
	}
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xff}, 40))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m Message
		if Decode(data, &m) == nil {
			_ = m.Fault.Error() // must handle any step and errno
			roundTrip(t, &m, &Message{})
		}
		var setup SetupBody
		if Decode(data, &setup) == nil {
			roundTrip(t, &setup, &SetupBody{})
		}
		var network NetworkBody
		if Decode(data, &network) == nil {
			roundTrip(t, &network, &NetworkBody{})
		}
		var spawn SpawnBody
		if Decode(data, &spawn) == nil {
			roundTrip(t, &spawn, &SpawnBody{})
		}
	})
}

func roundTrip(t *testing.T, v, again Body) {
	if err := Decode(encode(v), again); err != nil || !reflect.DeepEqual(v, again) {
		t.Errorf("%+v became %+v (%v)", v, again, err)
	}
}

// FuzzReceive sends any bytes with any number of descriptors. No packet may leave a descriptor
// open.
func FuzzReceive(f *testing.F) {
	f.Add(encode(&Message{Kind: Ready}), 1)
	f.Add(encode(&Message{Kind: Spawn, HasBody: true}), 2)
	f.Add(encode(&Message{HasBody: true}), 0)
	f.Add([]byte("{"), maxFDs+1)
	s, theirs, err := Pair()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close(); theirs.Close() })
	memfd, err := unix.MemfdCreate("body", unix.MFD_CLOEXEC)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, packet []byte, count int) {
		if len(packet) == 0 || len(packet) > 2*maxPacket {
			return // an empty packet is the end of the conversation
		}
		fds := make([]int, uint(count)%(2*maxFDs))
		for i := range fds {
			fds[i] = memfd
		}
		before, err := lowest()
		if err != nil {
			t.Fatal(err)
		}
		var oob []byte
		if len(fds) > 0 {
			oob = unix.UnixRights(fds...)
		}
		if err := unix.Sendmsg(int(theirs.Fd()), packet, oob, nil, 0); err != nil {
			t.Skip(err)
		}
		_, _, got, err := s.Receive()
		if err != nil && got != nil {
			t.Errorf("an error (%v) came with descriptors %v", err, got)
		}
		CloseAll(got)
		if after, err := lowest(); err != nil || after != before {
			t.Errorf("a descriptor was left open: lowest free was %d, is %d (%v)", before, after,
				err)
		}
	})
}

// lowest is the next descriptor number that the kernel would give.
func lowest() (int, error) {
	fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	return fd, unix.Close(fd)
}
