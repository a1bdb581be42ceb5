package resident

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// front.c has the same numbers.
const (
	maxRequest = 1 << 20
	headerSize = 16
	packetSize = 8

	replyExit = 1
	replyCold = 2
)

// Request is a command that a front has handed over.
type Request struct {
	Args                  []string // without the program's name
	Env                   []string
	Umask                 uint32
	Dir                   *os.File // O_PATH
	Stdin, Stdout, Stderr *os.File
}

// Close closes the front's descriptors.
func (r *Request) Close() {
	for _, f := range []*os.File{r.Dir, r.Stdin, r.Stdout, r.Stderr} {
		if f != nil {
			f.Close()
		}
	}
}

// LookupEnv looks into the front's environment.
func (r *Request) LookupEnv(name string) (string, bool) {
	for _, kv := range r.Env {
		if k, v, ok := strings.Cut(kv, "="); ok && k == name {
			return v, true
		}
	}
	return "", false
}

var errRequest = errors.New("malformed request")

// read reads a request. c is a stream socket, blocking.
func read(c int) (*Request, error) {
	buf := make([]byte, 64<<10)
	oob := make([]byte, unix.CmsgSpace(4*4))
	n, oobn, flags, _, err := unix.Recvmsg(c, buf, oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("recvmsg", err)
	}
	r := &Request{}
	files, err := descriptors(oob[:oobn])
	if len(files) == 4 {
		r.Stdin, r.Stdout, r.Stderr, r.Dir = files[0], files[1], files[2], files[3]
	}
	if err != nil || len(files) != 4 || flags&unix.MSG_CTRUNC != 0 || n < headerSize {
		for _, f := range files {
			f.Close()
		}
		return nil, errors.Join(errRequest, err)
	}
	if err := r.rest(c, buf[:n]); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func descriptors(oob []byte) (files []*os.File, err error) {
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	for i := range messages {
		fds, err := syscall.ParseUnixRights(&messages[i])
		if err != nil {
			return files, err
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "front"))
		}
	}
	return files, nil
}

// rest reads what the first bytes announce.
func (r *Request) rest(c int, data []byte) error {
	word := func(i int) uint32 { return binary.NativeEndian.Uint32(data[4*i:]) }
	total, args, env := word(0), word(1), word(2)
	r.Umask = word(3)
	if total < headerSize || total > maxRequest || int(total) < len(data) {
		return errRequest
	}
	for len(data) < int(total) {
		more := make([]byte, int(total)-len(data))
		n, err := unix.Read(c, more)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return errors.Join(io.ErrUnexpectedEOF, err)
		}
		data = append(data, more[:n]...)
	}
	all := bytes.Split(data[headerSize:], []byte{0})
	// The folder is the first, and what is behind the last NUL the last.
	if uint64(len(all)) != 2+uint64(args)+uint64(env) {
		return fmt.Errorf("%w: %d strings", errRequest, len(all))
	}
	for i, s := range all[1 : len(all)-1] {
		if i < int(args) {
			r.Args = append(r.Args, string(s))
		} else {
			r.Env = append(r.Env, string(s))
		}
	}
	return nil
}

// reply ends a request.
func reply(c int, kind uint32, value int32) {
	var p [packetSize]byte
	binary.NativeEndian.PutUint32(p[:], kind)
	binary.NativeEndian.PutUint32(p[4:], uint32(value))
	_ = unix.Sendto(c, p[:], unix.MSG_NOSIGNAL, nil)
}

// Signal is one that the front has got. Group: for the program's process group.
type Signal struct {
	Signal unix.Signal
	Group  bool
}

// signals reads what the front passes on, until it is gone.
func signals(c int, out chan<- Signal) {
	defer close(out)
	for {
		var p [packetSize]byte
		for at := 0; at < len(p); {
			n, err := unix.Read(c, p[at:])
			if err == unix.EINTR {
				continue
			}
			if err != nil || n == 0 {
				return
			}
			at += n
		}
		number := binary.NativeEndian.Uint32(p[4:])
		out <- Signal{unix.Signal(number), binary.NativeEndian.Uint32(p[:]) == 1}
	}
}
