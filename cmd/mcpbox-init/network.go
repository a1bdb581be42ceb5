package main

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// network makes every address local to the sandbox, and sends the supervisor the sockets on which
// it answers for them. Then it gives up the capabilities for that: CAP_NET_ADMIN and
// CAP_NET_BIND_SERVICE, and CAP_SETPCAP, which it needs to give them up.
func (in *initProcess) network(body []byte) {
	var b initproto.NetworkBody
	if err := initproto.Decode(body, &b); err != nil {
		in.fail(0, initproto.Fault{Step: initproto.StepBody, Errno: unix.EBADMSG})
		return
	}
	n := newNetwork(&b)
	step, index, errno := n.open()
	var fds []int
	for _, fd := range n.fds[:n.made] {
		fds = append(fds, int(fd))
	}
	defer initproto.CloseAll(fds)
	f := initproto.Fault{Step: step, Index: int32(index), Errno: errno}
	if f.Step == initproto.StepNone {
		if err := dropNetworkCapabilities(); err != nil {
			f = fault(initproto.StepCaps, 0, err)
		}
	}
	if f.Step != initproto.StepNone {
		in.fail(0, f)
		return
	}
	_ = in.conn.Send(initproto.Message{Kind: initproto.Networked, IPv6: n.ipv6}, nil, fds...)
}

// network is everything that open needs, prepared before. In a child, after the clone, nothing may
// be allocated: see fork.
type network struct {
	routes   [2][2][]byte // netlink messages for IPv4 and IPv6: an address, and a route
	resolver unix.RawSockaddrInet4
	any4     unix.RawSockaddrInet4
	any6     unix.RawSockaddrInet6
	ports    []uint16 // in network byte order
	ipv6     bool     // after open: IPv6 is available

	// The resolver's sockets (UDP, TCP) and a listener for each port. They lie in control, a struct
	// cmsghdr with SCM_RIGHTS.
	fds     []int32
	made    int // of fds
	control []byte

	reply [64]byte // struct nlmsghdr and nlmsgerr
	off   int32
	caps  [2]unix.CapUserData
}

func newNetwork(b *initproto.NetworkBody) *network {
	n := &network{}
	n.routes[0] = localMessages(unix.AF_INET, b.IPv4)
	n.routes[1] = localMessages(unix.AF_INET6, b.IPv6)
	n.resolver = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: bigEndian(53)}
	copy(n.resolver.Addr[:], b.Resolver)
	n.any4.Family, n.any6.Family = unix.AF_INET, unix.AF_INET6
	for _, port := range b.Ports {
		n.ports = append(n.ports, bigEndian(port))
	}
	count := 2 + len(n.ports)
	n.control = make([]byte, unix.CmsgSpace(4*count))
	head := (*unix.Cmsghdr)(unsafe.Pointer(&n.control[0]))
	head.Level, head.Type = unix.SOL_SOCKET, unix.SCM_RIGHTS
	head.SetLen(unix.CmsgLen(4 * count))
	n.fds = unsafe.Slice((*int32)(unsafe.Pointer(&n.control[unix.CmsgLen(0)])), count)
	return n
}

func bigEndian(port int) uint16 { return uint16(port>>8&0xff | port&0xff<<8) }

// open makes every address local, and then the sockets. It is for PID 1 and for children.
//
//go:nosplit
//go:norace
func (n *network) open() (step initproto.Step, index int, errno syscall.Errno) {
	netlink, e := sys6(unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC,
		unix.NETLINK_ROUTE, 0, 0, 0)
	if e != 0 {
		return initproto.StepNetwork, 0, e
	}
	e = n.local(netlink, 0)
	// On a host without IPv6, no IPv6 address is reachable.
	n.ipv6 = e == 0 && n.local(netlink, 1) == 0
	_ = sys3(unix.SYS_CLOSE, netlink, 0, 0)
	if e != 0 {
		return initproto.StepNetwork, 1, e
	}
	to, size := uintptr(unsafe.Pointer(&n.resolver)), unsafe.Sizeof(n.resolver)
	if e := n.bind(unix.AF_INET, unix.SOCK_DGRAM, to, size); e != 0 {
		return initproto.StepNetwork, 2, e
	}
	if e := n.bind(unix.AF_INET, unix.SOCK_STREAM, to, size); e != 0 {
		return initproto.StepNetwork, 3, e
	}
	family, to, size := uintptr(unix.AF_INET), uintptr(unsafe.Pointer(&n.any4)),
		unsafe.Sizeof(n.any4)
	if n.ipv6 {
		family, to, size = unix.AF_INET6, uintptr(unsafe.Pointer(&n.any6)), unsafe.Sizeof(n.any6)
	}
	for i := range n.ports {
		n.any4.Port, n.any6.Port = n.ports[i], n.ports[i]
		if e := n.bind(family, unix.SOCK_STREAM, to, size); e != 0 {
			return initproto.StepListen, i, e
		}
	}
	return initproto.StepNone, 0, 0
}

// bind makes a bound socket. A stream socket listens; an IPv6 one also for IPv4.
//
//go:nosplit
//go:norace
func (n *network) bind(family, kind, to, size uintptr) syscall.Errno {
	fd, e := sys6(unix.SYS_SOCKET, family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0, 0, 0, 0)
	if e != 0 {
		return e
	}
	n.fds[n.made] = int32(fd)
	n.made++
	if family == unix.AF_INET6 {
		_, e = sys6(unix.SYS_SETSOCKOPT, fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY,
			uintptr(unsafe.Pointer(&n.off)), unsafe.Sizeof(n.off), 0)
	}
	if e == 0 {
		e = sys3(unix.SYS_BIND, fd, to, size)
	}
	if e == 0 && kind == unix.SOCK_STREAM {
		e = sys3(unix.SYS_LISTEN, fd, 4096, 0)
	}
	return e
}

// drop removes CAP_NET_ADMIN and CAP_NET_BIND_SERVICE from every set of this thread, the only one
// of a child. capabilities(7)
//
//go:nosplit
//go:norace
func (n *network) drop(header *unix.CapUserHeader) syscall.Errno {
	if e := prctl(unix.PR_CAPBSET_DROP, unix.CAP_NET_ADMIN); e != 0 {
		return e
	}
	if e := prctl(unix.PR_CAPBSET_DROP, unix.CAP_NET_BIND_SERVICE); e != 0 {
		return e
	}
	h, caps := uintptr(unsafe.Pointer(header)), uintptr(unsafe.Pointer(&n.caps))
	if e := sys3(unix.SYS_CAPGET, h, caps, 0); e != 0 {
		return e
	}
	const drop = uint32(1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_BIND_SERVICE)
	n.caps[0].Effective &^= drop
	n.caps[0].Permitted &^= drop
	n.caps[0].Inheritable &^= drop
	return sys3(unix.SYS_CAPSET, h, caps, 0)
}

// dropNetworkCapabilities removes the three from every set of every thread. capabilities(7)
func dropNetworkCapabilities() error {
	for _, capability := range []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE,
		unix.CAP_SETPCAP} {
		if _, _, e := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, capability,
			0); e != 0 {
			return e
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return err
	}
	const drop = uint32(1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_BIND_SERVICE | 1<<unix.CAP_SETPCAP)
	sets[0].Effective &^= drop
	sets[0].Permitted &^= drop
	sets[0].Inheritable &^= drop
	if _, _, e := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)),
		uintptr(unsafe.Pointer(&sets[0])), 0); e != 0 {
		return e
	}
	return nil
}
