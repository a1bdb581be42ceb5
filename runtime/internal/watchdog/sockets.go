package watchdog

import (
	"encoding/binary"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sockets lists the sockets of a network namespace, with the memory of their queues. Several
// watchdogs may share one.
type Sockets struct {
	mu  sync.Mutex
	fd  int
	buf []byte
	seq uint32
}

// NewSockets takes ownership of a NETLINK_SOCK_DIAG socket that was made in the namespace.
func NewSockets(fd int) *Sockets { return &Sockets{fd: fd} }

// Close closes the socket.
func (s *Sockets) Close() {
	if s != nil {
		unix.Close(s.fd)
	}
}

// sock_diag(7), linux/unix_diag.h, linux/inet_diag.h, linux/sock_diag.h
const (
	sockDiagByFamily = 20

	unixShowQueue  = 0x10 // UDIAG_SHOW_RQLEN
	unixShowMemory = 0x20 // UDIAG_SHOW_MEMINFO
	unixQueue      = 4    // UNIX_DIAG_RQLEN
	unixMemory     = 5    // UNIX_DIAG_MEMINFO
	unixMessage    = 16   // bytes of struct unix_diag_msg

	inetMemory  = 7  // INET_DIAG_SKMEMINFO
	inetMessage = 72 // bytes of struct inet_diag_msg

	received = 0 // SK_MEMINFO_RMEM_ALLOC
	sending  = 2 // SK_MEMINFO_WMEM_ALLOC
	queued   = 5 // SK_MEMINFO_WMEM_QUEUED
)

// memory returns what the sockets' queues use: for a Unix socket, the larger one of what senders
// are charged with and of what waits for receivers. A kernel that lacks a kind of list has 0.
func (s *Sockets) memory() int64 {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var sent, waiting, internet int64
	s.dump(unixRequest(), unixMessage, func(kind uint16, word func(int) int64) {
		switch kind {
		case unixMemory:
			sent += word(sending)
		case unixQueue:
			waiting += word(0)
		}
	})
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		for _, protocol := range []byte{unix.IPPROTO_TCP, unix.IPPROTO_UDP} {
			s.dump(inetRequest(family, protocol), inetMessage,
				func(kind uint16, word func(int) int64) {
					if kind == inetMemory {
						internet += word(received) + word(queued)
					}
				})
		}
	}
	return max(sent, waiting) + internet
}

// unixRequest asks for all Unix sockets: struct unix_diag_req.
func unixRequest() []byte {
	request := make([]byte, 24)
	request[0] = unix.AF_UNIX
	binary.NativeEndian.PutUint32(request[4:], ^uint32(0)) // all states
	binary.NativeEndian.PutUint32(request[12:], unixShowQueue|unixShowMemory)
	return request
}

// inetRequest asks for all sockets of a protocol: struct inet_diag_req_v2.
func inetRequest(family, protocol byte) []byte {
	request := make([]byte, 56)
	request[0], request[1], request[2] = family, protocol, 1<<(inetMemory-1)
	binary.NativeEndian.PutUint32(request[4:], ^uint32(0))
	return request
}

// dump sends a request, and calls attribute for each attribute of the answer. fixed is the length
// of what comes before them in each message. word returns a 32-bit number of the attribute. The
// result is false if the kernel does not have this list.
func (s *Sockets) dump(request []byte, fixed int,
	attribute func(kind uint16, word func(int) int64)) bool {
	if s.buf == nil {
		s.buf = make([]byte, 32<<10)
	}
	s.seq++
	h := unix.NlMsghdr{Len: uint32(unix.SizeofNlMsghdr + len(request)), Type: sockDiagByFamily,
		Flags: unix.NLM_F_REQUEST | unix.NLM_F_DUMP, Seq: s.seq}
	head := unsafe.Slice((*byte)(unsafe.Pointer(&h)), unix.SizeofNlMsghdr)
	to := &unix.SockaddrNetlink{Family: unix.AF_NETLINK}
	if unix.Sendto(s.fd, append(head[:len(head):len(head)], request...), 0, to) != nil {
		return false
	}
	for {
		n, _, err := unix.Recvfrom(s.fd, s.buf, unix.MSG_DONTWAIT)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return false
		}
		for data := s.buf[:n]; len(data) >= unix.SizeofNlMsghdr; {
			length := int(binary.NativeEndian.Uint32(data))
			kind, seq := binary.NativeEndian.Uint16(data[4:]), binary.NativeEndian.Uint32(data[8:])
			if length < unix.SizeofNlMsghdr || length > len(data) {
				return false
			}
			switch {
			case seq != s.seq: // of an earlier dump
			case kind == unix.NLMSG_DONE || kind == unix.NLMSG_ERROR:
				return kind == unix.NLMSG_DONE
			case length >= unix.SizeofNlMsghdr+fixed:
				attributes(data[unix.SizeofNlMsghdr+fixed:length], attribute)
			}
			data = data[min((length+3)&^3, len(data)):]
		}
	}
}

// attributes walks over struct nlattr. netlink(7)
func attributes(data []byte, each func(kind uint16, word func(int) int64)) {
	for len(data) >= unix.SizeofNlAttr {
		length := int(binary.NativeEndian.Uint16(data))
		if length < unix.SizeofNlAttr || length > len(data) {
			return
		}
		value := data[unix.SizeofNlAttr:length]
		each(binary.NativeEndian.Uint16(data[2:]), func(i int) int64 {
			if len(value) < 4*(i+1) {
				return 0
			}
			return int64(binary.NativeEndian.Uint32(value[4*i:]))
		})
		data = data[min((length+3)&^3, len(data)):]
	}
}
