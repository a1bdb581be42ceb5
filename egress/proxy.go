package egress

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/policies/hostrule"
)

const (
	proxyTime = 15 * time.Second // for a request to arrive
	maxHead   = 8 << 10          // of a CONNECT request
)

// outcome is what the proxy answers a program.
type outcome int

const (
	granted outcome = iota
	denied
	unreached
)

// request is a program's request to the proxy: a name or an address, and a port.
type request struct {
	name string
	to   netip.AddrPort // of a name: the port only
	tell func(outcome) error
}

var errProxy = errors.New("no request that the proxy knows")

// readRequest reads a SOCKS5 request (RFC 1928) or an HTTP CONNECT (RFC 9110 9.3.6). The program
// has to wait for the answer before it sends more.
func readRequest(conn *net.TCPConn) (request, error) {
	if err := conn.SetReadDeadline(time.Now().Add(proxyTime)); err != nil {
		return request{}, err
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(conn, first); err != nil {
		return request{}, err
	}
	read := readConnect
	if first[0] == socks5 {
		read = readSOCKS
	}
	r, err := read(conn)
	if err == nil {
		err = conn.SetReadDeadline(time.Time{})
	}
	return r, err
}

// Numbers of SOCKS5.
const (
	socks5       = 5
	socksConnect = 1
	socksIPv4    = 1
	socksName    = 3
	socksIPv6    = 4
)

func readSOCKS(conn *net.TCPConn) (r request, err error) {
	take := func(n int) []byte {
		buf := make([]byte, n)
		if err == nil {
			_, err = io.ReadFull(conn, buf)
		}
		return buf
	}
	methods := take(int(take(1)[0]))
	if err == nil && bytes.IndexByte(methods, 0) < 0 { // it insists on a password
		err = errProxy
	}
	if err == nil {
		_, err = conn.Write([]byte{socks5, 0})
	}
	head := take(4)
	if err == nil && (head[0] != socks5 || head[1] != socksConnect) {
		err = errProxy
	}
	var host string
	switch head[3] {
	case socksIPv4:
		addr, _ := netip.AddrFromSlice(take(4))
		host = addr.String()
	case socksIPv6:
		addr, _ := netip.AddrFromSlice(take(16))
		host = addr.String()
	case socksName:
		host = string(take(int(take(1)[0])))
	default:
		err = errors.Join(err, errProxy)
	}
	port := binary.BigEndian.Uint16(take(2))
	if err == nil {
		err = r.target(host, int(port))
	}
	r.tell = func(o outcome) error {
		code := map[outcome]byte{granted: 0, denied: 2, unreached: 4}[o]
		_, err := conn.Write([]byte{socks5, code, 0, socksIPv4, 0, 0, 0, 0, 0, 0})
		return err
	}
	return r, err
}

func readConnect(conn *net.TCPConn) (r request, err error) {
	buf := make([]byte, 0, maxHead)
	for !bytes.Contains(buf, []byte("\r\n\r\n")) {
		if len(buf) == cap(buf) {
			return r, errProxy
		}
		n, err := conn.Read(buf[len(buf):cap(buf)])
		if err != nil {
			return r, err
		}
		buf = buf[:len(buf)+n]
	}
	line, _, _ := strings.Cut(string(buf), "\r\n")
	words := strings.Split(line, " ")                          // the first letter is read
	early := bytes.Index(buf, []byte("\r\n\r\n"))+4 < len(buf) // more than was asked for
	if early || len(words) != 3 || words[0] != "ONNECT" {
		return r, errProxy
	}
	host, port, err := net.SplitHostPort(words[1])
	if err != nil {
		return r, errProxy
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return r, errProxy
	}
	r.tell = func(o outcome) error {
		text := map[outcome]string{granted: "200 Connection established", denied: "403 Forbidden",
			unreached: "502 Bad Gateway"}[o]
		_, err := io.WriteString(conn, "HTTP/1.1 "+text+"\r\n\r\n")
		return err
	}
	return r, r.target(host, int(number))
}

// target reads an address, or else a name.
func (r *request) target(host string, port int) error {
	if !hostrule.ValidPort(port) {
		return errProxy
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		r.to = netip.AddrPortFrom(addr.Unmap(), uint16(port))
		return nil
	}
	name, ok := hostrule.CanonicalName(host)
	if !ok {
		return errProxy
	}
	r.name, r.to = name, netip.AddrPortFrom(netip.Addr{}, uint16(port))
	return nil
}
