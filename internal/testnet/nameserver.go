package testnet

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
)

// NameServer is a DNS server over UDP. A test sets its names and addresses, and can read the
// questions that it got.
type NameServer struct {
	Addr string // host:port

	mu    sync.Mutex
	names map[string][]string
	asked []string
}

// ServeNames answers on conn until conn is closed. A name that was not set does not exist.
func ServeNames(conn net.PacketConn) *NameServer {
	s := &NameServer{Addr: conn.LocalAddr().String(), names: map[string][]string{}}
	s.Serve(conn)
	return s
}

// Serve answers at a further address.
func (s *NameServer) Serve(conn net.PacketConn) {
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			if out, err := s.reply(m).Pack(); err == nil {
				_, _ = conn.WriteTo(out, from)
			}
		}
	}()
}

// Set gives a name its addresses. An answer of "cname:NAME" is an alias.
func (s *NameServer) Set(name string, answers ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names[name] = answers
}

// Asked lists the name of each question so far.
func (s *NameServer) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func (s *NameServer) reply(m dnsmessage.Message) *dnsmessage.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := m.Questions[0]
	out := &dnsmessage.Message{Questions: m.Questions}
	out.ID, out.Response, out.RecursionAvailable = m.ID, true, true
	name := strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))
	s.asked = append(s.asked, name)
	answers, ok := s.names[name]
	if !ok {
		out.RCode = dnsmessage.RCodeNameError
	}
	head := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}
	add := func(body dnsmessage.ResourceBody) {
		out.Answers = append(out.Answers, dnsmessage.Resource{Header: head, Body: body})
	}
	for len(answers) > 0 {
		next := answers[0]
		answers = answers[1:]
		if alias, ok := strings.CutPrefix(next, "cname:"); ok {
			to := dnsmessage.MustNewName(alias + ".")
			add(&dnsmessage.CNAMEResource{CNAME: to})
			head.Name, answers = to, s.names[alias]
			continue
		}
		switch addr := netip.MustParseAddr(next); {
		case addr.Is4() && q.Type == dnsmessage.TypeA:
			add(&dnsmessage.AResource{A: addr.As4()})
		case addr.Is6() && q.Type == dnsmessage.TypeAAAA:
			add(&dnsmessage.AAAAResource{AAAA: addr.As16()})
		}
	}
	return out
}
