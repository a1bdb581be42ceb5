// Package netseen reads the kernel's counters of a network namespace without a connection to the
// outside. They show attempts: connections without a route, and look-ups that nobody answers. It
// also lists listening sockets.
//
//	seen, err := netseen.Open("/proc/" + pid)
//	defer seen.Close()
//	connects, lookups := seen.Tried()
//
// The files stay readable after the process has ended: an open one holds its namespace.
//
// Kernel: /proc/PID/net (proc_net(5)): OutNoRoutes and Ip6OutNoRoutes, NoPorts of UDP, tcp, tcp6.
package netseen

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Namespace is the network namespace of one process.
type Namespace struct {
	proc   string
	v4, v6 *os.File

	opened      bool     // the files below
	stat, stat6 *os.File // the number of TCP sockets
	tcp, tcp6   *os.File // the sockets; slow: the kernel walks all namespaces' tables
	sockets     string
}

// Open opens the namespace of a process. proc is the process's folder in /proc.
func Open(proc string) (*Namespace, error) {
	n := &Namespace{proc: proc}
	var err error
	if n.v4, err = os.Open(proc + "/net/snmp"); err != nil {
		return nil, err
	}
	n.v6, _ = os.Open(proc + "/net/snmp6") // without IPv6 it does not exist
	return n, nil
}

// Close frees the namespace.
func (n *Namespace) Close() error {
	return errors.Join(n.v4.Close(), n.v6.Close(), n.stat.Close(), n.stat6.Close(),
		n.tcp.Close(), n.tcp6.Close())
}

// Tried counts connections and datagrams that had no route, and datagrams to a port of the
// loopback device where nothing listens: nearly always a name look-up.
func (n *Namespace) Tried() (connects, lookups uint64) {
	var header []string
	for line := range bytes.Lines(read(n.v4)) {
		words := strings.Fields(string(line))
		if len(words) < 2 || len(header) != len(words) || header[0] != words[0] {
			header = words // the names come first, then the values
			continue
		}
		for i, name := range header {
			switch words[0] + name {
			case "Ip:OutNoRoutes":
				connects += number(words[i])
			case "Udp:NoPorts":
				lookups += number(words[i])
			}
		}
	}
	for line := range bytes.Lines(read(n.v6)) {
		name, value, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		switch strings.TrimSpace(name) {
		case "Ip6OutNoRoutes":
			connects += number(strings.TrimSpace(value))
		case "Udp6NoPorts":
			lookups += number(strings.TrimSpace(value))
		}
	}
	return connects, lookups
}

// Listening returns the TCP addresses at which a socket listens. It is empty if no socket was
// opened or closed since the last call, or if the process ended before the first call.
func (n *Namespace) Listening() []netip.AddrPort {
	now := n.inUse()
	if now == n.sockets {
		return nil // unchanged since the last call
	}
	n.sockets = now
	return n.listeners()
}

// inUse returns the number of TCP sockets; "" means none.
func (n *Namespace) inUse() (out string) {
	if !n.opened {
		n.opened = true
		n.stat, _ = os.Open(n.proc + "/net/sockstat")
		n.stat6, _ = os.Open(n.proc + "/net/sockstat6")
		n.tcp, _ = os.Open(n.proc + "/net/tcp")
		n.tcp6, _ = os.Open(n.proc + "/net/tcp6")
	}
	for _, f := range []*os.File{n.stat, n.stat6} {
		for line := range bytes.Lines(read(f)) {
			words := strings.Fields(string(line))
			if len(words) > 2 && strings.HasPrefix(words[0], "TCP") && words[1] == "inuse" &&
				words[2] != "0" {
				out += words[0] + words[2]
			}
		}
	}
	return out
}

func number(text string) uint64 {
	n, _ := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
	return n
}

// read reads a file of /proc again from its beginning.
func read(f *os.File) []byte {
	if f == nil {
		return nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil
	}
	const most = 1 << 20
	data, _ := io.ReadAll(io.LimitReader(f, most))
	return data
}

func (n *Namespace) listeners() (out []netip.AddrPort) {
	const listen = "0A" // TCP_LISTEN
	for _, f := range []*os.File{n.tcp, n.tcp6} {
		for s := bufio.NewScanner(bytes.NewReader(read(f))); s.Scan(); {
			words := strings.Fields(s.Text())
			if len(words) < 4 || words[3] != listen {
				continue
			}
			if a, ok := address(words[1]); ok {
				out = append(out, a)
			}
		}
	}
	return out
}

// address reads 0100007F:1F90. Each word of four bytes is in the machine's order: little-endian.
func address(text string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	p, err2 := strconv.ParseUint(port, 16, 16)
	if err != nil || err2 != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		slices.Reverse(raw[i : i+4])
	}
	a, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(a.Unmap(), uint16(p)), ok
}
