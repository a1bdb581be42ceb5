package initproto

import (
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Bounds of a call to a warm cell.
const (
	MaxCall        = 128 << 10 // bytes
	MaxCallStrings = 4096      // arguments, variables and paths
)

// CallHeader begins a call. Its strings follow, each ending in a NUL: the folder, the candidates
// for the program's path, the arguments, the environment. The child reads it with raw system calls
// only.
type CallHeader struct {
	Umask      uint32
	Files      uint32 // FileHeaders in the descriptor after the streams; 0: no such descriptor
	Workspace  uint32 // 1: a detached mount for /work is the last descriptor
	Candidates uint32
	Args       uint32
	Env        uint32
	Strings    uint32 // number of all strings
	TTY        uint32 // 1: the streams are a terminal, which is to control the session
	Access     uint64 // Landlock rights below the workspace
}

// FileHeader begins a file or a folder that the cell creates in its own storage. Its path follows,
// ending in a NUL, then its content.
type FileHeader struct {
	Mode   uint32 // with the file's type
	Length uint32 // of the path, with its NUL: at most MaxPath
	Size   uint64
}

// MaxPath bounds the path of a FileHeader.
const MaxPath = 4096

// Call is the command that a warm cell executes.
type Call struct {
	Dir        string
	Candidates []string
	Args       []string
	Env        []string
	Umask      uint32
	Files      int
	Workspace  bool
	Access     uint64
	TTY        bool
}

// Encode returns the call's bytes. The error is ErrTooLarge for a call that is too large, and
// EINVAL for a string with a NUL.
func (c *Call) Encode() ([]byte, error) {
	all := make([]string, 0, 1+len(c.Candidates)+len(c.Args)+len(c.Env))
	all = append(append(append(append(all, c.Dir), c.Candidates...), c.Args...), c.Env...)
	head := CallHeader{Umask: c.Umask, Files: uint32(c.Files),
		Candidates: uint32(len(c.Candidates)),
		Args:       uint32(len(c.Args)),
		Env:        uint32(len(c.Env)), Strings: uint32(len(all)), Access: c.Access}
	if c.Workspace {
		head.Workspace = 1
	}
	if c.TTY {
		head.TTY = 1
	}
	out := append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(&head)), unsafe.Sizeof(head))...)
	for _, s := range all {
		if strings.IndexByte(s, 0) >= 0 {
			return nil, unix.EINVAL
		}
		out = append(append(out, s...), 0)
	}
	if len(out) > MaxCall || len(all) > MaxCallStrings-3 {
		return nil, ErrTooLarge
	}
	return out, nil
}

// EncodeFiles returns the folders, then the files, in the format of FileHeader. The error is
// ErrTooLarge for a path that is too long, and EINVAL for a path with a NUL.
func EncodeFiles(b *SetupBody) (data []byte, n int, err error) {
	add := func(mode uint32, path string, content []byte) {
		switch {
		case len(path) >= MaxPath:
			err = ErrTooLarge
		case strings.IndexByte(path, 0) >= 0:
			err = unix.EINVAL
		}
		h := FileHeader{Mode: mode, Length: uint32(len(path) + 1), Size: uint64(len(content))}
		data = append(data, unsafe.Slice((*byte)(unsafe.Pointer(&h)), unsafe.Sizeof(h))...)
		data = append(append(append(data, path...), 0), content...)
		n++
	}
	for _, d := range b.Dirs {
		add(d.Mode&0o7777|unix.S_IFDIR, d.Path, nil)
	}
	for _, f := range b.Files {
		add(f.Mode&0o7777|unix.S_IFREG, f.Path, f.Data)
	}
	return data, n, err
}

// Record is a report of a child: a fault, or that it is built or locked. A cell with a network of
// its own sends one more before, with its sockets: Index is 1 if it has IPv6.
type Record struct {
	Step, Index, Errno, Listener, Landlock int32
}

// RecordSize is the size of a Record on the wire.
const RecordSize = int(unsafe.Sizeof(Record{}))

// ParseRecord reads a record. ok is false if data is not a record.
func ParseRecord(data []byte) (r Record, ok bool) {
	if len(data) != RecordSize {
		return r, false
	}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&r)), RecordSize), data)
	return r, true
}

// ExitSize is the size of the reaper's last message.
const ExitSize = 32

// ParseExit reads the reaper's last message.
func ParseExit(data []byte) (e Exit, ok bool) {
	if len(data) != ExitSize {
		return e, false
	}
	var v [4]int64
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&v)), ExitSize), data)
	return Exit{Status: int(v[0]), UserUsec: v[1], SysUsec: v[2], MaxRSSKiB: v[3]}, true
}
