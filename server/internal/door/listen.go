package door

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/peer"
	"github.com/mcpbox/mcpbox/server/internal/state"
)

// maxSocketPath is what fits into sun_path. unix(7)
const maxSocketPath = 107

// Unix listens on a socket for its owner alone. A lock file beside it keeps other daemons away; a
// socket that a killed daemon left is removed.
func Unix(path string) (l net.Listener, lock *os.File, err error) {
	if len(path) > maxSocketPath {
		return nil, nil, hint.Errorf("choose a shorter path with --socket",
			"socket %s: a path may have %d bytes", path, maxSocketPath)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, nil, hint.Errorf("choose another path with --socket", "socket: %w", err)
	}
	if lock, err = state.Lock(path+".lock", "socket "+path); err != nil {
		return nil, nil, err
	}
	if err := removeSocket(path); err != nil {
		lock.Close()
		return nil, nil, err
	}
	old := unix.Umask(0o177) // the socket must not be open to others for a moment
	l, err = net.Listen("unix", path)
	unix.Umask(old)
	if err != nil {
		lock.Close()
		return nil, nil, hint.Errorf("choose another path with --socket", "socket: %w", err)
	}
	return l, lock, nil
}

func removeSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil && info.Mode().Type() != fs.ModeSocket {
		err = hint.Errorf("choose another path with --socket",
			"socket %s: there is something else already", path)
	}
	if err == nil {
		err = os.Remove(path)
	}
	return err
}

// Activated is the socket that systemd passed on, or nil. sd_listen_fds(3)
func Activated() (net.Listener, error) {
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) || os.Getenv("LISTEN_FDS") == "" {
		return nil, nil
	}
	if n := os.Getenv("LISTEN_FDS"); n != "1" {
		return nil, hint.Errorf("give the unit one ListenStream=", "systemd passed %s sockets", n)
	}
	const first = 3
	f := os.NewFile(first, "systemd socket")
	defer f.Close() // FileListener duplicates it
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("systemd socket: %w", err)
	}
	if _, ok := l.(*net.UnixListener); !ok {
		l.Close()
		return nil, hint.Errorf("give the unit ListenStream=/run/mcpbox/mcpbox.sock",
			"the socket that systemd passed is no Unix socket")
	}
	return l, nil
}

// TCP listens on an address of the loopback interface, or, if remote is allowed and there is a
// certificate, on another.
func TCP(address string, remote bool, certificate, key string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, hint.Errorf("write 127.0.0.1:7431", "listen %s: %w", address, err)
	}
	ip := net.ParseIP(host)
	if loopback := host == "localhost" || ip != nil && ip.IsLoopback(); !loopback {
		if !remote {
			return nil, hint.Errorf("use 127.0.0.1, or add --allow-remote and a certificate",
				"listen %s: not an address of the loopback interface", address)
		}
		if certificate == "" {
			return nil, hint.Errorf("set tls: {certificate: …, key: …} in the config",
				"listen %s: without TLS, tokens would cross the network in the clear", address)
		}
	}
	l, err := net.Listen("tcp", address)
	if err != nil || certificate == "" {
		return l, err
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		l.Close()
		return nil, hint.Errorf("tls.certificate and tls.key name PEM files", "certificate: %w",
			err)
	}
	return tls.NewListener(l,
		&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}), nil
}

// Credentials is for http.Server.ConnContext: it asks the kernel who the peer is.
func Credentials(ctx context.Context, c net.Conn) context.Context {
	conn, ok := c.(*net.UnixConn)
	if !ok {
		return ctx
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return ctx
	}
	var p peer.Process
	err2 := raw.Control(func(fd uintptr) { p, err = peer.Of(int(fd)) })
	if err != nil || err2 != nil {
		return ctx
	}
	return context.WithValue(ctx, peerKey, p)
}
