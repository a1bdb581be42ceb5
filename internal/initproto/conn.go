package initproto

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	maxPacket = 4 << 10 // the fixed part; bodies travel in a memfd
	maxBody   = 64 << 20
	maxFDs    = 80
)

// ErrTooLarge is an oversized packet or body.
var ErrTooLarge = errors.New("message too large")

// Conn is one end of the control socket. Send is safe for concurrent use, Receive is for one
// reader.
type Conn struct {
	f        *os.File
	buf, oob []byte // Receive's: no message refers to them
}

// Pair makes both ends, close-on-exec.
func Pair() (supervisor *Conn, init *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	// Non-blocking, so that Close wakes a blocked Receive through the runtime's poller.
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return nil, nil, os.NewSyscallError("fcntl", err)
	}
	return newConn(fds[0]), os.NewFile(uintptr(fds[1]), "control-init"), nil
}

// FromFD wraps an inherited descriptor.
func FromFD(fd int) (*Conn, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	unix.CloseOnExec(fd)
	return newConn(fd), nil
}

func newConn(fd int) *Conn {
	return &Conn{f: os.NewFile(uintptr(fd), "control"), buf: make([]byte, maxPacket),
		oob: make([]byte, unix.CmsgSpace(4*maxFDs))}
}

func (c *Conn) Close() error { return c.f.Close() }

// Send writes one message. body, if not nil, is sent in a memfd in front of fds.
func (c *Conn) Send(m Message, body Body, fds ...int) error {
	if body != nil {
		memfd, err := bodyFile(body)
		if err != nil {
			return err
		}
		defer unix.Close(memfd)
		m.HasBody = true
		fds = append([]int{memfd}, fds...)
	}
	packet := encode(&m)
	var oob []byte
	if len(fds) > 0 {
		oob = unix.UnixRights(fds...)
	}
	raw, err := c.f.SyscallConn()
	if err != nil {
		return err
	}
	var serr error
	if err := raw.Write(func(fd uintptr) bool {
		serr = unix.Sendmsg(int(fd), packet, oob, nil, unix.MSG_NOSIGNAL)
		return serr != unix.EAGAIN
	}); err != nil {
		return err
	}
	if serr != nil {
		return os.NewSyscallError("sendmsg", serr)
	}
	return nil
}

// Receive reads one message and its descriptors (close-on-exec), which the caller owns. The error
// is io.EOF after the other end has closed.
func (c *Conn) Receive() (m Message, body []byte, fds []int, err error) {
	buf, oob := c.buf, c.oob
	raw, err := c.f.SyscallConn()
	if err != nil {
		return m, nil, nil, err
	}
	var n, oobn, flags int
	var rerr error
	if err := raw.Read(func(fd uintptr) bool {
		n, oobn, flags, _, rerr = unix.Recvmsg(int(fd), buf, oob, unix.MSG_CMSG_CLOEXEC)
		return rerr != unix.EAGAIN
	}); err != nil {
		return m, nil, nil, err
	}
	if rerr != nil {
		if rerr == unix.ECONNRESET {
			rerr = io.EOF
		}
		return m, nil, nil, rerr
	}
	if n == 0 && oobn == 0 {
		return m, nil, nil, io.EOF
	}
	fds, err = rights(oob[:oobn])
	defer func() {
		if err != nil {
			CloseAll(fds)
			fds = nil
		}
	}()
	if err != nil {
		return m, nil, fds, err
	}
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		return m, nil, fds, ErrTooLarge
	}
	if err = Decode(buf[:n], &m); err != nil {
		return m, nil, fds, err
	}
	if m.HasBody {
		if len(fds) == 0 {
			return m, nil, fds, errors.New("the announced body is missing")
		}
		body, err = readBody(fds[0])
		unix.Close(fds[0])
		fds = fds[1:]
	}
	return m, body, fds, err
}

func bodyFile(body Body) (int, error) {
	data := encode(body)
	if len(data) > maxBody {
		return -1, ErrTooLarge
	}
	fd, err := unix.MemfdCreate("mcpbox-message", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	for off := 0; off < len(data); {
		n, err := unix.Pwrite(fd, data[off:], int64(off))
		if err != nil {
			unix.Close(fd)
			return -1, os.NewSyscallError("pwrite", err)
		}
		off += n
	}
	return fd, nil
}

func readBody(fd int) ([]byte, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	if st.Size > maxBody {
		return nil, ErrTooLarge
	}
	data := make([]byte, st.Size)
	for off := 0; off < len(data); {
		n, err := unix.Pread(fd, data[off:], int64(off))
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, io.ErrUnexpectedEOF
		}
		off += n
	}
	return data, nil
}

func rights(oob []byte) (fds []int, err error) {
	if len(oob) == 0 {
		return nil, nil
	}
	msgs, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	for i := range msgs {
		got, err := syscall.ParseUnixRights(&msgs[i])
		if err != nil {
			continue
		}
		fds = append(fds, got...)
	}
	return fds, nil
}

// CloseAll closes descriptors that nobody needs.
func CloseAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
