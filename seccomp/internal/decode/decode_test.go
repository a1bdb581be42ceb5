package decode

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// fakeMemory is data at 0x1000. Repeated reads may return different data.
type fakeMemory struct {
	data  []byte
	reads int
}

func (m *fakeMemory) Read(b []byte, address uint64) int {
	m.reads++
	if address < 0x1000 || address-0x1000 >= uint64(len(m.data)) {
		return 0
	}
	if m.reads%3 == 0 { // the program changes it in between
		m.data[0] ^= byte(m.reads)
	}
	return copy(b, m.data[address-0x1000:])
}

func FuzzDecode(f *testing.F) {
	f.Add(uint16(0), []byte("/etc/passwd\x00"), uint64(0x1000), uint64(0x1003), uint64(1))
	f.Add(uint16(40), []byte("\x01\x00\x00abstract"), uint64(3), uint64(0x1000), uint64(110))
	f.Add(uint16(60), []byte("\x00\x10\x00\x00\x00\x00\x00\x00"), uint64(0x1000), uint64(0x1000),
		^uint64(0))
	f.Fuzz(func(t *testing.T, which uint16, data []byte, a, b, c uint64) {
		name := shapes[int(which)%len(shapes)].name
		m := &fakeMemory{data: append([]byte{}, data...)}
		args, paths := (&decoder{mem: m, pointer: 8}).call(name, [6]uint64{a, b, c, a, b, c})
		if m.reads > 64 {
			t.Errorf("%s: %d reads", name, m.reads)
		}
		for _, s := range append(args, paths...) {
			if !utf8.ValidString(s) || strings.ContainsFunc(s,
				func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%s: not fit to print: %q", name, s)
			}
		}
		for _, s := range args {
			if len(s) > 16*maxText {
				t.Errorf("%s: an argument of %d bytes", name, len(s))
			}
		}
	})
}

func TestShapesAreSorted(t *testing.T) {
	for i, s := range shapes {
		if i > 0 && shapes[i-1].name >= s.name {
			t.Errorf("%s is out of order", s.name)
		}
	}
}

// Rules need the whole path. Only its display may be cut.
func TestALongPathIsWhole(t *testing.T) {
	long := strings.Repeat("/.", 1000) + "/proc/1/root"
	m := &fakeMemory{data: []byte(long + "\x00")}
	args, paths := (&decoder{mem: m, pointer: 8}).call("chdir", [6]uint64{0x1000})
	if args[0] != `"`+long+`"` {
		t.Errorf("argument of %d bytes", len(args[0]))
	}
	if len(paths) != 1 || paths[0] != long {
		t.Errorf("paths %.40q…", paths)
	}
}

func TestMountFlagsWithoutOldMagic(t *testing.T) {
	if got := mountFlags(0xC0ED0000 | 1); got != "MS_RDONLY" {
		t.Error(got)
	}
	if got := mountFlags(1 << 18); got != "MS_PRIVATE" {
		t.Error(got)
	}
}
