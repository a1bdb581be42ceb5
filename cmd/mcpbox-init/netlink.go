package main

import (
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/unix"
)

const loopback = 1 // the index of lo in every network namespace

// routes is a netlink socket. rtnetlink(7)
type routes struct{ fd int }

func openRoutes() (routes, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	return routes{fd}, err
}

// local gives lo an address and makes all other addresses of the family local, with this one as the
// source of connections: ip addr add ADDRESS dev lo; ip route add local default dev lo src ADDRESS
func (r routes) local(family byte, address []byte) error {
	length := byte(len(address) * 8)
	// struct ifaddrmsg: family, prefix length, flags, scope, index
	add := append([]byte{family, length, unix.IFA_F_NODAD, unix.RT_SCOPE_HOST}, word(loopback)...)
	add = attribute(attribute(add, unix.IFA_LOCAL, address), unix.IFA_ADDRESS, address)
	if err := r.request(unix.RTM_NEWADDR, add); err != nil {
		return err
	}
	// struct rtmsg: family, dst and src length, tos, table, protocol, scope, type, flags
	add = append([]byte{family, 0, 0, 0, unix.RT_TABLE_LOCAL, unix.RTPROT_BOOT, unix.RT_SCOPE_HOST,
		unix.RTN_LOCAL}, word(0)...)
	add = attribute(attribute(add, unix.RTA_OIF, word(loopback)), unix.RTA_PREFSRC, address)
	return r.request(unix.RTM_NEWROUTE, add)
}

// request sends one message and waits for its acknowledgement.
func (r routes) request(kind uint16, body []byte) error {
	m := word(uint32(unix.NLMSG_HDRLEN + len(body)))
	m = binary.NativeEndian.AppendUint16(m, kind)
	m = binary.NativeEndian.AppendUint16(m,
		unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	m = append(append(m, word(1)...), word(0)...) // sequence number, port
	if err := unix.Sendto(r.fd, append(m, body...), 0,
		&unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	buf := make([]byte, 4096)
	n, _, err := unix.Recvfrom(r.fd, buf, 0)
	if err != nil {
		return err
	}
	// struct nlmsgerr after the header: a negative errno, 0 for success
	if n < unix.NLMSG_HDRLEN+4 || binary.NativeEndian.Uint16(buf[4:]) != unix.NLMSG_ERROR {
		return unix.EBADMSG
	}
	if e := int32(binary.NativeEndian.Uint32(buf[unix.NLMSG_HDRLEN:])); e != 0 {
		return syscall.Errno(-e)
	}
	return nil
}

// attribute appends a struct rtattr; values here are multiples of four bytes long.
func attribute(m []byte, kind uint16, value []byte) []byte {
	m = binary.NativeEndian.AppendUint16(m, uint16(4+len(value)))
	m = binary.NativeEndian.AppendUint16(m, kind)
	return append(m, value...)
}

func word(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }
