package initproto

import (
	"encoding/json"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"
)

// FuzzDecode: whatever a packet holds, decoding ends, and what it accepts survives a round trip.
func FuzzDecode(f *testing.F) {
	for _, m := range []Message{
		{Kind: Setup, HasBody: true}, {Kind: Locked, Process: 1, PID: 2, Listener: -1, TTY: true}, {Kind: Signal, Process: 1, Signal: 15},
		{Kind: Exited, Process: 1, Exit: &Exit{Status: 9}}, {Kind: Failed, Fault: Fault{StepExec, 1, unix.ENOEXEC}},
	} {
		data, err := json.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range []string{"", "{", "null", "[]", `{"kind":1}`, `{"fault":{"errno":-1,"step":99}}`, `{"exit":{}}{"x":1}`, `{"process":1e400}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		m, err := Decode(packet)
		if err != nil {
			return
		}
		_ = m.Fault.Error() // names any step and errno
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatalf("%+v can't be sent on: %v", m, err)
		}
		again, err := Decode(data)
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%+v became %+v (%v)", m, again, err)
		}
	})
}

// FuzzReceive sends any bytes with any number of descriptors: no packet may leave one open.
func FuzzReceive(f *testing.F) {
	f.Add([]byte(`{"kind":"ready"}`), 1)
	f.Add([]byte(`{"kind":"spawn","body":true}`), 2)
	f.Add([]byte(`{"body":true}`), 0)
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
			t.Errorf("a descriptor was left open: lowest free was %d, is %d (%v)", before, after, err)
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
