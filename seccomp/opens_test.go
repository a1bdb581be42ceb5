package seccomp

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
)

func TestProgramWithPassesOnlyTheseOpensToTheListener(t *testing.T) {
	f, err := Compile(policies.Syscalls{Default: policies.DefaultAllow})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []Opens{{}, {Read: true}, {Write: true}, {Read: true, Write: true}} {
		with := &Filter{program: f.ProgramWith(o)}
		for _, c := range []struct {
			name string
			args [6]uint64
			want bool
		}{
			{"openat", [6]uint64{0, 0, unix.O_RDONLY | unix.O_CLOEXEC}, o.Read},
			{"openat", [6]uint64{0, 0, unix.O_WRONLY | unix.O_CREAT}, o.Write},
			{"openat", [6]uint64{0, 0, 1<<32 | unix.O_RDWR}, o.Write},
			{"open", [6]uint64{0, unix.O_RDONLY, unix.O_RDWR}, o.Read},
			{"open", [6]uint64{0, unix.O_WRONLY}, o.Write},
			{"creat", [6]uint64{}, o.Write},
			{"stat", [6]uint64{}, false},
			{"getpid", [6]uint64{}, false},
		} {
			nr, ok := native(c.name)
			if !ok {
				continue
			}
			v, err := with.Verdict(nativeAudit(), nr, c.args)
			if err != nil || v.Notified() != c.want || !v.Notified() && !v.Allowed() {
				t.Errorf("%+v %s %x: %v, %v, want notified %v", o, c.name, c.args, v, err, c.want)
			}
			// A call with this number in another table is treated as before.
			before, err1 := f.Verdict(auditI386, nr, c.args)
			after, err2 := with.Verdict(auditI386, nr, c.args)
			if before != after || err1 != nil || err2 != nil {
				t.Errorf("%+v i386's %d: %v, was %v", o, nr, after, before)
			}
		}
	}
}
