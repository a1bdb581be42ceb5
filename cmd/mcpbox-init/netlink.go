package main

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const loopback = 1 // the index of lo in every network namespace

// localMessages give lo an address and make all other addresses of the family local, with this one
// as the source of connections: ip addr add ADDRESS dev lo; ip route add local default dev lo src
// ADDRESS. rtnetlink(7)
func localMessages(family byte, address []byte) [2][]byte {
	length := byte(len(address) * 8)
	// struct ifaddrmsg: family, prefix length, flags, scope, index
	addr := append([]byte{family, length, unix.IFA_F_NODAD, unix.RT_SCOPE_HOST}, word(loopback)...)
	addr = attribute(attribute(addr, unix.IFA_LOCAL, address), unix.IFA_ADDRESS, address)
	// struct rtmsg: family, dst and src length, tos, table, protocol, scope, type, flags
	route := append([]byte{family, 0, 0, 0, unix.RT_TABLE_LOCAL, unix.RTPROT_BOOT,
		unix.RT_SCOPE_HOST, unix.RTN_LOCAL}, word(0)...)
	route = attribute(attribute(route, unix.RTA_OIF, word(loopback)), unix.RTA_PREFSRC, address)
	return [2][]byte{request(unix.RTM_NEWADDR, addr), request(unix.RTM_NEWROUTE, route)}
}

// request is a message that the kernel acknowledges. netlink(7)
func request(kind uint16, body []byte) []byte {
	m := word(uint32(unix.NLMSG_HDRLEN + len(body)))
	m = binary.NativeEndian.AppendUint16(m, kind)
	m = binary.NativeEndian.AppendUint16(m,
		unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	m = append(append(m, word(1)...), word(0)...) // sequence number, port
	return append(m, body...)
}

// attribute appends a struct rtattr; values here are multiples of four bytes long.
func attribute(m []byte, kind uint16, value []byte) []byte {
	m = binary.NativeEndian.AppendUint16(m, uint16(4+len(value)))
	m = binary.NativeEndian.AppendUint16(m, kind)
	return append(m, value...)
}

func word(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

// local sends the messages of one family, and waits for each acknowledgement.
//
//go:nosplit
//go:norace
func (n *network) local(netlink uintptr, family int) syscall.Errno {
	for i := range n.routes[family] {
		m := n.routes[family][i]
		_, e := sys6(unix.SYS_SENDTO, netlink, uintptr(unsafe.Pointer(&m[0])), uintptr(len(m)), 0,
			0, 0)
		if e != 0 {
			return e
		}
		got, e := sys6(unix.SYS_RECVFROM, netlink, uintptr(unsafe.Pointer(&n.reply)),
			unsafe.Sizeof(n.reply), 0, 0, 0)
		if e != 0 {
			return e
		}
		// struct nlmsgerr follows the header: a negative errno, 0 for success
		kind := *(*uint16)(unsafe.Pointer(&n.reply[4]))
		if got < unix.NLMSG_HDRLEN+4 || kind != unix.NLMSG_ERROR {
			return unix.EBADMSG
		}
		if e := *(*int32)(unsafe.Pointer(&n.reply[unix.NLMSG_HDRLEN])); e != 0 {
			return syscall.Errno(-e)
		}
	}
	return 0
}
