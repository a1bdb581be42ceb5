package decode

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// constant names a value or a bit.
type constant struct {
	name  string
	value uint64
}

// oneOf returns the name of v, or v in hexadecimal.
func oneOf(v uint64, names []constant) string {
	for _, c := range names {
		if c.value == v {
			return c.name
		}
	}
	return hex(v)
}

// bits returns the names of the bits in v, the rest in hexadecimal. For 0 it returns zero.
func bits(v uint64, names []constant, zero string) string {
	var parts []string
	for _, c := range names {
		if c.value != 0 && v&c.value == c.value {
			parts = append(parts, c.name)
			v &^= c.value
		}
	}
	if v != 0 {
		parts = append(parts, hex(v))
	}
	if len(parts) == 0 {
		return zero
	}
	return strings.Join(parts, "|")
}

func hex(v uint64) string { return "0x" + strconv.FormatUint(v, 16) }

func openFlags(v uint64) string {
	mode := [...]string{"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"}[v&3]
	if rest := bits(v&^3, openBits[:], ""); rest != "" {
		return mode + "|" + rest
	}
	return mode
}

// cloneFlags shows clone's flags. With withSignal, the low byte is the signal at exit.
func cloneFlags(v uint64, withSignal bool) string {
	if !withSignal {
		return bits(v, cloneBits[:], "0")
	}
	signal := v & 0xff
	flags := bits(v&^0xff, cloneBits[:], "")
	switch {
	case signal == 0 && flags == "":
		return "0"
	case signal == 0:
		return flags
	case flags == "":
		return signalName(signal)
	}
	return flags + "|" + signalName(signal)
}

func signalName(v uint64) string {
	if n := unix.SignalName(unix.Signal(v)); v < 65 && n != "" {
		return n
	}
	return strconv.FormatInt(int64(int32(v)), 10)
}

func socketType(v uint64) string {
	s := oneOf(v&0xf, socketTypes[:])
	if rest := bits(v&^0xf, socketBits[:], ""); rest != "" {
		s += "|" + rest
	}
	return s
}

func persona(v uint64) string {
	if v == 0xffffffff {
		return hex(v)
	}
	return bits(v, personaBits[:], "PER_LINUX")
}

// mountFlags ignores MS_MGC_VAL, which old programs pass in the upper half.
func mountFlags(v uint64) string {
	if v&0xffff0000 == unix.MS_MGC_VAL {
		v &^= 0xffff0000
	}
	return bits(v, mountBits[:], "0")
}
