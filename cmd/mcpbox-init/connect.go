package main

import (
	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

const (
	connectTime = 5000 // milliseconds
	connecting  = 16   // at the same time: each waits on a thread
)

// connect sends the supervisor a connection to a port of the sandbox's own loopback device, where a
// published server listens.
func (in *initProcess) connect(number, port int) {
	select {
	case in.dialling <- struct{}{}:
	default:
		in.fail(number, fault(initproto.StepConnect, 0, unix.EAGAIN))
		return
	}
	go func() {
		defer func() { <-in.dialling }()
		fd, err := dialLoopback(unix.AF_INET,
			&unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}})
		if err != nil { // Node's servers listen only on the IPv6 address
			var err6 error
			fd, err6 = dialLoopback(unix.AF_INET6, &unix.SockaddrInet6{Port: port,
				Addr: [16]byte{15: 1}})
			if err6 != nil {
				in.fail(number, fault(initproto.StepConnect, 0, err))
				return
			}
		}
		in.conn.Send(initproto.Message{Kind: initproto.Connected, Process: number}, nil, fd)
		unix.Close(fd)
	}()
}

func dialLoopback(family int, to unix.Sockaddr) (int, error) {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	if err = unix.Connect(fd, to); err == unix.EINPROGRESS {
		err = finish(fd)
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// finish waits for the outcome of a connect(2).
func finish(fd int) error {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, connectTime)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case n == 0:
			return unix.ETIMEDOUT
		}
		outcome, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
		if err != nil {
			return err
		}
		if outcome != 0 {
			return unix.Errno(outcome)
		}
		return nil
	}
}
