package egress

import (
	"encoding/binary"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/mcpbox/mcpbox/policies/hostrule"
)

const (
	dnsTTL     = 60               // seconds; an address stays its name's for much longer
	dnsMax     = 1232             // bytes of a question: more than any
	dnsStreams = 8                // TCP connections at a time
	dnsIdle    = 10 * time.Second // of one
)

// answer returns the reply to a DNS message, or nil if there is none. An allowed name gets
// addresses of the pool. If the policy spells the name out, its real addresses are looked up
// meanwhile. A name that a star allows is not looked up before a connection: the name itself may
// carry data.
func (s *Server) answer(message []byte) []byte {
	var p dnsmessage.Parser
	h, err := p.Start(message)
	if err != nil || h.Response {
		return nil
	}
	reply := dnsmessage.Header{
		ID:                 h.ID,
		Response:           true,
		OpCode:             h.OpCode,
		RecursionDesired:   h.RecursionDesired,
		RecursionAvailable: true,
	}
	q, err := p.Question()
	if err != nil {
		reply.RCode = dnsmessage.RCodeFormatError
		return build(reply, nil, nil)
	}
	if _, err := p.Question(); err != dnsmessage.ErrSectionDone || h.OpCode != 0 {
		reply.RCode = dnsmessage.RCodeNotImplemented
		return build(reply, nil, nil)
	}
	if q.Class != dnsmessage.ClassINET {
		reply.RCode = dnsmessage.RCodeRefused
		return build(reply, &q, nil)
	}
	if !s.mayLookUp(q.Name.String()) {
		reply.RCode = dnsmessage.RCodeNameError
		return build(reply, &q, nil)
	}
	name, _ := hostrule.CanonicalName(q.Name.String())
	if s.policy.namesIt(name) {
		s.dialer.names.begin(name) // a connection will come
	}
	v4, v6 := s.pool.addresses(name)
	switch q.Type {
	case dnsmessage.TypeA:
		return build(reply, &q, &dnsmessage.AResource{A: v4.As4()})
	case dnsmessage.TypeAAAA:
		if s.ipv6 {
			return build(reply, &q, &dnsmessage.AAAAResource{AAAA: v6.As16()})
		}
	}
	// The name exists, but has no such record. This includes HTTPS and SVCB records, which would
	// bring keys for encrypted names, and other ports. RFC 9460
	return build(reply, &q, nil)
}

// mayLookUp asks the policy, and records a refusal.
func (s *Server) mayLookUp(question string) bool {
	name, ok := hostrule.CanonicalName(question)
	switch {
	case ok && (strings.HasSuffix(name, ".arpa") || name == "localhost" ||
		strings.HasSuffix(name, ".localhost")):
		return false // names of addresses, and of the sandbox itself: no attempt at anything
	case !ok:
		s.refuseLookUp(question,
			&Refusal{Rule: RuleName, Reason: "what was looked up is no host name"})
		return false
	}
	if refusal := s.policy.LookUp(name); refusal != nil {
		s.refuseLookUp(name, refusal)
		return false
	}
	return true
}

func build(h dnsmessage.Header, q *dnsmessage.Question, body dnsmessage.ResourceBody) []byte {
	b := dnsmessage.NewBuilder(make([]byte, 0, 512), h)
	b.EnableCompression()
	if q == nil {
		out, _ := b.Finish() // a header only: no error is possible
		return out
	}
	if b.StartQuestions() != nil || b.Question(*q) != nil {
		return nil
	}
	if body != nil {
		head := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: dnsTTL}
		err := b.StartAnswers()
		switch body := body.(type) {
		case *dnsmessage.AResource:
			err = b.AResource(head, *body)
		case *dnsmessage.AAAAResource:
			err = b.AAAAResource(head, *body)
		}
		if err != nil {
			return nil
		}
	}
	out, err := b.Finish()
	if err != nil {
		return nil
	}
	return out
}

// servePackets answers over UDP until the socket is closed.
func (s *Server) servePackets(conn net.PacketConn) {
	buf := make([]byte, dnsMax)
	for {
		n, from, err := conn.ReadFrom(buf)
		if s.closed() {
			return
		}
		if err != nil {
			if !s.pause(err) {
				return
			}
			continue
		}
		if out := s.answer(buf[:n]); out != nil {
			_, _ = conn.WriteTo(out, from) // a lost one is asked for again
		}
	}
}

// serveStreams answers over TCP. RFC 7766
func (s *Server) serveStreams(l net.Listener) {
	room := make(chan struct{}, dnsStreams)
	for {
		conn, err := l.Accept()
		if err != nil {
			if s.closed() || !s.pause(err) {
				return
			}
			continue
		}
		select {
		case room <- struct{}{}:
		default:
			conn.Close()
			continue
		}
		s.track(conn)
		s.wg.Go(func() {
			defer func() { <-room }()
			defer s.untrack(conn)
			s.stream(conn)
		})
	}
}

func (s *Server) stream(conn net.Conn) {
	buf := make([]byte, 2+dnsMax)
	for {
		if conn.SetDeadline(time.Now().Add(dnsIdle)) != nil {
			return
		}
		if _, err := io.ReadFull(conn, buf[:2]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(buf))
		if n > dnsMax {
			return
		}
		if _, err := io.ReadFull(conn, buf[2:2+n]); err != nil {
			return
		}
		out := s.answer(buf[2 : 2+n])
		if out == nil {
			return
		}
		framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...)
		if _, err := conn.Write(framed); err != nil {
			return
		}
	}
}
