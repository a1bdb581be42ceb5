package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies/hostrule"
)

const (
	helloTime = 15 * time.Second // for a ClientHello to arrive
)

// tlsPort reports whether a port is for TLS from the first byte (IANA service names). Other
// protocols are refused there.
func tlsPort(port int) bool {
	switch port {
	case 443, 465, 636, 853, 993, 995, 8443:
		return true
	}
	return false
}

// relay is a connection from inside, and the connection outside that belongs to it.
type relay struct {
	server *Server
	owner  Owner // nil: nobody's
	call   *monitor.Call
	inside *net.TCPConn
	wanted netip.AddrPort
	name   string              // "" for an address of the tool's choice
	tell   func(outcome) error // answers a request to the proxy; nil: there was none
	ctx    context.Context
	cancel context.CancelFunc
	said   chan struct{} // what the tool sent is on its way, to its end
	done   chan struct{} // all is over, and the owner has been told
	sent   atomic.Int64  // by the tool
	got    atomic.Int64

	mu      sync.Mutex
	outside *net.TCPConn // nil until there is one
}

func newRelay(s *Server, inside *net.TCPConn) *relay {
	r := &relay{
		server: s,
		owner:  s.owner(),
		inside: inside,
		said:   make(chan struct{}),
		done:   make(chan struct{}),
	}
	wanted := inside.LocalAddr().(*net.TCPAddr).AddrPort() // of a *net.TCPConn it is one
	r.wanted = netip.AddrPortFrom(wanted.Addr().Unmap(), wanted.Port())
	r.ctx, r.cancel = context.WithCancel(s.ctx)
	if r.owner != nil {
		r.call = r.owner.Call()
	}
	return r
}

func (r *relay) port() int { return int(r.wanted.Port()) }

// target returns the name or address, with the port, for a message.
func (r *relay) target() string {
	if r.name == "" {
		return hostrule.Join(r.wanted.Addr().String(), r.port())
	}
	return hostrule.Join(r.name, r.port())
}

// run decides, dials, and passes bytes on until the end.
func (r *relay) run() {
	defer r.cancel()
	refusal, err := r.judge()
	if err != nil {
		reset(r.inside)
		return
	}
	if refusal != nil {
		if refusal.Reason != "" {
			r.refuse(refusal, "", r.wanted.Addr())
		}
		r.turnDown(denied)
		return
	}
	if r.name != "" {
		if read, methods := r.server.policy.terms(r.name, r.port()); read {
			if r.tell != nil && r.tell(granted) != nil {
				reset(r.inside)
				return
			}
			r.inspect(methods)
			return
		}
	}
	began := time.Now()
	if why := r.connect(); why != granted {
		r.turnDown(why)
		return
	}
	if r.tell != nil && r.tell(granted) != nil {
		r.cut()
		return
	}
	r.pass()
	r.reached(began)
}

// reached tells the owner of a connection that has ended.
func (r *relay) reached(began time.Time) {
	if r.owner == nil {
		return
	}
	f := Flow{Host: r.name, Port: r.port(), Connections: 1, Sent: r.sent.Load(),
		Received: r.got.Load(), Duration: time.Since(began), Call: r.call}
	if f.Host == "" {
		f.Host = r.wanted.Addr().String()
	}
	r.owner.Reached(f)
}

// judge finds out where the tool wants to go: from the address that it dialled, or from its request
// to the proxy. An error means that there is no valid request.
func (r *relay) judge() (refusal *Refusal, err error) {
	s := r.server
	if s.proxy == 0 || r.port() != s.proxy || !r.wanted.Addr().IsLoopback() {
		r.name, refusal = s.judge(r.wanted.Addr(), r.port())
		return refusal, nil
	}
	asked, err := readRequest(r.inside)
	if err != nil {
		return nil, err
	}
	r.name, r.wanted, r.tell = asked.name, asked.to, asked.tell
	if r.name != "" {
		return s.policy.Connect(r.name, r.port()), nil
	}
	r.name, refusal = s.judge(r.wanted.Addr(), r.port())
	return refusal, nil
}

// turnDown ends the inner connection: with a reset, or with the answer of the proxy.
func (r *relay) turnDown(why outcome) {
	if r.tell == nil || r.tell(why) != nil {
		reset(r.inside)
		return
	}
	_ = r.inside.Close()
}

// connect dials outside, and records why it could not.
func (r *relay) connect() outcome {
	outside, err := r.server.dial(r.ctx, r.name, r.wanted)
	if err != nil {
		r.failed(err)
		if errors.As(err, new(errRefused)) {
			return denied
		}
		return unreached
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outside = outside
	if r.ctx.Err() != nil {
		_ = outside.Close()
	}
	return granted
}

// close ends both connections. It may be called while run runs.
func (r *relay) close() {
	r.cancel()
	_ = r.inside.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.outside != nil {
		_ = r.outside.Close()
	}
}

var errLimit = errors.New("the limit of bytes is reached")

// pass moves bytes both ways until both ends have finished, or one fails. If one connection is cut,
// so is the other.
func (r *relay) pass() {
	up := make(chan error, 1)
	go func() {
		up <- r.up()
		close(r.said)
	}()
	down := r.copy(r.inside, r.outside, &r.got)
	if down != nil {
		r.cut()
	}
	if err := <-up; errors.Is(err, errLimit) || errors.Is(down, errLimit) {
		r.limit("bytes", r.server.meter.bytes)
	}
	_ = r.inside.Close()
	_ = r.outside.Close()
}

// cut resets both connections.
func (r *relay) cut() {
	reset(r.inside)
	reset(r.outside)
}

// reset closes a connection so that its other end sees an error, not an orderly end.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	c.Close()
}

// up checks the first bytes that the tool sends, and then passes everything on.
func (r *relay) up() error {
	err := r.open()
	if err == nil {
		err = r.copy(r.outside, r.inside, &r.sent)
	}
	if err != nil {
		r.cut()
	}
	return err
}

// open checks the first bytes: TLS must name the host. With protocols such as SSH the server
// speaks first, so the other direction does not wait for this.
func (r *relay) open() error {
	if r.name == "" {
		return nil // an allowed address may serve any name
	}
	first, _, err := r.hello()
	if err == io.EOF {
		return r.outside.CloseWrite() // opened and closed
	}
	if err != nil {
		return err
	}
	_ = r.inside.SetReadDeadline(time.Time{})
	return r.forward(first)
}

// hello reads the first bytes, and checks them if they are a handshake. It leaves the read deadline
// set. io.EOF means that nothing came.
func (r *relay) hello() (first []byte, tls bool, _ error) {
	strict := tlsPort(r.port())
	if strict {
		_ = r.inside.SetReadDeadline(time.Now().Add(helloTime))
	}
	buf := make([]byte, 0, 2048)
	for {
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, 2*cap(buf)), buf...)
		}
		n, err := r.inside.Read(buf[len(buf):cap(buf)])
		if buf = buf[:len(buf)+n]; len(buf) == 0 && err == io.EOF {
			return nil, false, io.EOF
		}
		if err != nil {
			if ne := net.Error(nil); strict && errors.As(err, &ne) && ne.Timeout() {
				return nil, false, r.refuseHello(&Refusal{Rule: RuleTLS,
					Reason: r.target() + ": no TLS handshake came"}, "")
			}
			return nil, false, err
		}
		h, err := parseHello(buf)
		if err == errMore && len(buf) < maxHello+5*64 {
			if !strict { // it has begun like TLS
				_ = r.inside.SetReadDeadline(time.Now().Add(helloTime))
				strict = true
			}
			continue
		}
		return buf, err != errNotTLS, r.check(h, err)
	}
}

func (r *relay) notTLS() *Refusal {
	return &Refusal{Rule: RuleTLS, Reason: r.target() + ": what came is not TLS",
		Hint: "port 443 and other TLS ports take TLS only: allow the port that the protocol has"}
}

// check compares the handshake with the name that was allowed.
func (r *relay) check(h hello, err error) error {
	target := r.target()
	switch {
	case err == errNotTLS && !tlsPort(r.port()):
		return nil // another protocol
	case err != nil:
		return r.refuseHello(r.notTLS(), "")
	case h.sni == "":
		return r.refuseHello(
			&Refusal{Rule: RuleSNI, Reason: target + ": the TLS handshake names no host"}, "")
	case h.sni != r.name:
		return r.refuseHello(
			&Refusal{Rule: RuleSNI, Reason: target + ": the TLS handshake is for " + h.sni}, h.sni)
	case h.encrypted && !r.server.policy.ech:
		return r.refuseHello(
			&Refusal{
				Rule:   RuleTLS,
				Reason: target + ": the TLS handshake may be for another host: an encrypted name",
				Hint:   "browsers do this always: network.ech: allow lets it pass",
			},
			"",
		)
	}
	return nil
}

var errRefusal = errors.New("refused")

func (r *relay) refuseHello(why *Refusal, sni string) error {
	var at netip.Addr
	if r.outside != nil {
		outside, _ := netip.ParseAddrPort(r.outside.RemoteAddr().String()) // else without one
		at = outside.Addr()
	}
	r.refuse(why, sni, at)
	return errRefusal
}

// forward sends what open has read.
func (r *relay) forward(data []byte) error {
	if m := r.server.meter; m.counts() && m.take(r.ctx, len(data)) < len(data) {
		return errLimit
	}
	n, err := r.outside.Write(data)
	r.sent.Add(int64(n))
	return err
}

// copy moves bytes from one connection to the other until from ends. Then it ends to for writing.
func (r *relay) copy(to, from *net.TCPConn, count *atomic.Int64) error {
	var err error
	if r.server.meter.counts() {
		err = r.metered(to, from, count)
	} else {
		err = move(to, from, count)
	}
	if err != nil {
		return err
	}
	_ = to.CloseWrite() // fails if the other end is gone: the other direction notices
	return nil
}

func (r *relay) metered(to, from *net.TCPConn, count *atomic.Int64) error {
	buf := make([]byte, window)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			may := r.server.meter.take(r.ctx, n)
			m, err := to.Write(buf[:may])
			count.Add(int64(m))
			if err != nil {
				return err
			}
			if may < n {
				return errLimit
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
