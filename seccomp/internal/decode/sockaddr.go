package decode

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// sockaddr formats an address by its family. A path is also added to the call's Paths.
func (d *decoder) sockaddr(address uint64, length uint32) string {
	if address == 0 {
		return "NULL"
	}
	var buf [unix.SizeofSockaddrAny]byte
	b := buf[:min(int(length), len(buf))]
	d.touched = true
	if len(b) < 2 || d.mem.Read(b, address) != len(b) {
		return hex(address)
	}
	switch family := binary.NativeEndian.Uint16(b); {
	case family == unix.AF_UNIX:
		return d.unixAddress(b[2:])
	case family == unix.AF_INET && len(b) >= 8:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])),
			binary.BigEndian.Uint16(b[2:])).String()
	case family == unix.AF_INET6 && len(b) >= 24:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])),
			binary.BigEndian.Uint16(b[2:])).String()
	case family == unix.AF_NETLINK && len(b) >= 12:
		return fmt.Sprintf("netlink:%d", binary.NativeEndian.Uint32(b[4:]))
	default:
		return fmt.Sprintf("%s(%d bytes)", oneOf(uint64(family), families[:]), length)
	}
}

// unixAddress returns a path, or "@name" for an abstract address.
func (d *decoder) unixAddress(b []byte) string {
	b = b[:min(len(b), 108)]
	if len(b) == 0 {
		return "unix:unnamed"
	}
	if b[0] == 0 {
		return quote("@" + string(b[1:]))
	}
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	d.path(string(b))
	return quote(string(b))
}
