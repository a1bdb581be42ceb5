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
	var n initproto.NetworkBody
	if err := initproto.Decode(body, &n); err != nil {
		in.fail(0, initproto.Fault{Step: initproto.StepBody, Errno: unix.EBADMSG})
		return
	}
	fds, ipv6, f := openNetwork(&n)
	defer initproto.CloseAll(fds)
	if f.Step == initproto.StepNone {
		if err := dropNetworkCapabilities(); err != nil {
			f = fault(initproto.StepCaps, 0, err)
		}
	}
	if f.Step != initproto.StepNone {
		in.fail(0, f)
		return
	}
	in.conn.Send(initproto.Message{Kind: initproto.Networked, IPv6: ipv6}, nil, fds...)
}

// openNetwork returns the resolver's sockets (UDP, TCP) and a listener for each port.
func openNetwork(n *initproto.NetworkBody) (fds []int, ipv6 bool, f initproto.Fault) {
	nl, err := openRoutes()
	if err != nil {
		return nil, false, fault(initproto.StepNetwork, 0, err)
	}
	defer unix.Close(nl.fd)
	if err := nl.local(unix.AF_INET, n.IPv4); err != nil {
		return nil, false, fault(initproto.StepNetwork, 1, err)
	}
	ipv6 = nl.local(unix.AF_INET6,
		n.IPv6) == nil // on a host without IPv6, no IPv6 address is reachable
	resolver := &unix.SockaddrInet4{Port: 53, Addr: [4]byte(n.Resolver)}
	for i, kind := range []int{unix.SOCK_DGRAM, unix.SOCK_STREAM} {
		fd, err := bound(unix.AF_INET, kind, resolver)
		if err != nil {
			return fds, ipv6, fault(initproto.StepNetwork, 2+i, err)
		}
		fds = append(fds, fd)
	}
	for i, port := range n.Ports {
		var fd int
		if ipv6 {
			fd, err = bound(unix.AF_INET6, unix.SOCK_STREAM, &unix.SockaddrInet6{Port: port})
		} else {
			fd, err = bound(unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Port: port})
		}
		if err != nil {
			return fds, ipv6, fault(initproto.StepListen, i, err)
		}
		fds = append(fds, fd)
	}
	return fds, ipv6, initproto.Fault{}
}

// bound makes a bound socket. A stream socket listens; an IPv6 one also for IPv4.
func bound(family, kind int, to unix.Sockaddr) (int, error) {
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	if family == unix.AF_INET6 {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
	}
	if err == nil {
		err = unix.Bind(fd, to)
	}
	if err == nil && kind == unix.SOCK_STREAM {
		err = unix.Listen(fd, 4096)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// dropNetworkCapabilities removes the three from every set of every thread. capabilities(7)
func dropNetworkCapabilities() error {
	for _, capability := range []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE,
		unix.CAP_SETPCAP} {
		if _, _, e := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, capability, 0); e != 0 {
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
