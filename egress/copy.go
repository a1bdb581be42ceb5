package egress

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	chunk  = 64 << 20 // bytes that are spliced between two looks at the counters
	window = 32 << 10 // of a buffer
	bulk   = 4        // full buffers, one after the other, after which splicing begins
)

// buffers are for bytes that are on their way. An idle connection has none.
var buffers = sync.Pool{New: func() any { return new([window]byte) }}

// move passes bytes from one connection to another until from ends. Short exchanges go through a
// buffer. The kernel moves long ones: splice(2). That needs a pipe, which takes time to make, and
// two descriptors. If these are scarce, the buffer stays.
func move(to, from *net.TCPConn, count *atomic.Int64) error {
	raw, err := from.SyscallConn()
	if err != nil {
		return err
	}
	for {
		full := 0
		for full < bulk {
			n, err := step(to, raw, count)
			if err != nil || n == 0 {
				return err
			}
			if n < window {
				full = 0
			} else {
				full++
			}
		}
		if !takePipe() {
			continue
		}
		n, err := to.ReadFrom(&io.LimitedReader{R: from, N: chunk})
		leavePipe()
		count.Add(n)
		if err != nil || n < chunk {
			return err
		}
	}
}

// step waits for bytes and passes them on. It returns 0 when from has ended.
func step(to *net.TCPConn, from syscall.RawConn, count *atomic.Int64) (n int, err error) {
	var buf *[window]byte
	failed := from.Read(func(fd uintptr) bool {
		buf = buffers.Get().(*[window]byte)
		for {
			n, err = syscall.Read(int(fd), buf[:])
			if err != syscall.EINTR {
				break
			}
		}
		if err == syscall.EAGAIN {
			buffers.Put(buf)
			buf = nil
			return false
		}
		return true
	})
	if buf == nil {
		return 0, failed
	}
	defer buffers.Put(buf)
	if failed != nil || err != nil || n == 0 {
		return 0, firstError(failed, err)
	}
	m, err := to.Write(buf[:n])
	count.Add(int64(m))
	return n, err
}

// traffic returns how many bytes the tool has sent and received so far. The kernel counts bytes
// that it splices: TCP_INFO, since Linux 4.1.
func (r *relay) traffic() (sent, got int64) {
	sent, got = r.sent.Load(), r.got.Load()
	raw, err := r.inside.SyscallConn()
	if err != nil {
		return sent, got
	}
	_ = raw.Control(func(fd uintptr) { // of a closed one, nothing has changed
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil {
			sent = max(sent, int64(info.Bytes_received))
			got = max(got, int64(info.Bytes_acked)) // of an accepted one, without its handshake
		}
	})
	return sent, got
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
