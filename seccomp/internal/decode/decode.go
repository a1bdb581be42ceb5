package decode

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/safetext"
)

const (
	maxText = pathMax // bytes of one text; whoever shows it may cut it
	maxArgv = 8       // words shown of an argument list
)

// Decoded holds a call's arguments in a form for people.
type Decoded struct {
	Text    []string // one text for each argument; an address where memory cannot be read
	Paths   []string // the paths among them, without control characters, never cut
	Path    *string  // the first path, as it is in memory
	Touched bool     // memory was read, so the caller must check that the task still exists
}

// Arguments reads the arguments of the call name. It makes a bounded number of reads and cannot
// fail, whatever is in the program's memory. Unreadable memory is shown as an address. arch is ""
// for the native table, otherwise i386, x32 or arm.
func Arguments(m Memory, arch, name string, raw [6]uint64) Decoded {
	d := decoder{mem: m, pointer: pointerSize(arch)}
	text, paths := d.call(name, raw)
	return Decoded{Text: text, Paths: paths, Path: d.first, Touched: d.touched}
}

func pointerSize(arch string) int {
	switch arch {
	case "i386", "x32", "arm":
		return 4
	}
	return 8
}

// Nothing is memory that cannot be read.
type Nothing struct{}

func (Nothing) Read([]byte, uint64) int { return 0 }

type decoder struct {
	mem     Memory
	pointer int
	touched bool // memory was read
	first   *string
	paths   []string
}

func (d *decoder) call(name string, raw [6]uint64) (args, paths []string) {
	kinds, ok := argKinds(name)
	if !ok {
		kinds = []string{"ptr", "ptr", "ptr", "ptr", "ptr", "ptr"}
	}
	args = make([]string, 0, len(kinds))
	for i, kind := range kinds {
		v := raw[i]
		if narrowKind(kind) {
			v &= 0xffffffff
		}
		args = append(args, d.arg(name, kind, v, raw, i))
	}
	return args, d.paths
}

func (d *decoder) arg(name, kind string, v uint64, raw [6]uint64, i int) string {
	switch kind {
	case "int", "fd", "fd64":
		return strconv.FormatInt(int64(int32(v)), 10)
	case "uint", "size":
		return strconv.FormatUint(v, 10)
	case "long":
		return strconv.FormatInt(int64(v), 10)
	case "dirfd":
		if int32(v) == unix.AT_FDCWD {
			return "AT_FDCWD"
		}
		return strconv.FormatInt(int64(int32(v)), 10)
	case "mode":
		return "0" + strconv.FormatUint(v, 8)
	case "path":
		return d.text(v, true)
	case "str":
		return d.text(v, false)
	case "argv":
		return d.argv(v)
	case "sockaddr":
		return d.sockaddr(v, uint32(raw[min(i+1, 5)]))
	case "open":
		return openFlags(v)
	case "clone":
		return cloneFlags(v, name == "clone")
	case "clone32":
		return cloneFlags(v, false)
	case "at":
		return bits(v, atBits[:], "0")
	case "prot":
		return bits(v, protBits[:], "PROT_NONE")
	case "map":
		return bits(v, mapBits[:], "0")
	case "mount":
		return mountFlags(v)
	case "family":
		return oneOf(v, families[:])
	case "socktype":
		if name == "accept4" {
			return bits(v, socketBits[:], "0")
		}
		return socketType(v)
	case "fcntl":
		return oneOf(v, fcntlCommands[:])
	case "ioctl":
		return oneOf(v, ioctlCommands[:])
	case "prctl":
		return oneOf(v, prctlOptions[:])
	case "ptrace":
		return oneOf(v, ptraceRequests[:])
	case "keyctl":
		return oneOf(v, keyctlOperations[:])
	case "bpf":
		return oneOf(v, bpfCommands[:])
	case "persona":
		return persona(v)
	case "sig":
		return signalName(v)
	}
	return hex(v) // ptr, hex, hex64
}

func (d *decoder) text(address uint64, path bool) string {
	if address == 0 {
		return "NULL"
	}
	d.touched = true
	s, ok := text(d.mem, address, pathMax)
	if !ok {
		return hex(address)
	}
	if path {
		if d.first == nil {
			d.first = &s
		}
		d.path(s)
	}
	return quote(s)
}

// path does not cut a path: otherwise many "/./" in front could hide its end from detection.
func (d *decoder) path(s string) {
	if s != "" {
		d.paths = append(d.paths, safetext.Clean(s, 0))
	}
}

func quote(s string) string {
	return `"` + strings.ReplaceAll(safetext.Clean(s, maxText), `"`, `\"`) + `"`
}

func (d *decoder) argv(address uint64) string {
	if address == 0 {
		return "NULL"
	}
	d.touched = true
	var words []string
	for i := range uint64(maxArgv) {
		p, ok := word(d.mem, address+i*uint64(d.pointer), d.pointer)
		if !ok && i == 0 {
			return hex(address)
		}
		if !ok || p == 0 {
			return "[" + strings.Join(words, ", ") + "]"
		}
		words = append(words, d.text(p, false))
	}
	return "[" + strings.Join(words, ", ") + ", …]"
}
