package egress

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

const api = "api.example.test"

// listed is a network that allows api at a port, and its server's loopback address with it.
func listed(t *testing.T, w *world, port int) policies.Network {
	return network(t, fmt.Sprintf("%s:%d %s:%d", api, port, w.target, port))
}

func exchange(t *testing.T, conn *net.TCPConn, data []byte) {
	t.Helper()
	go func() {
		conn.Write(data)
		conn.CloseWrite()
	}()
	got, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes came back of %d: %v", len(got), len(data), err)
	}
}

func TestAnAllowedNameIsReached(t *testing.T) {
	w := newWorld(t)
	port := w.echo(0)
	w.dns.Set(api, w.target)
	w.serve(listed(t, w, port), []int{port}, []string{api}, nil)
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	exchange(t, w.dial("Api.EXAMPLE.test", port), data)
	w.server.Close()
	f := w.flows.List()
	if len(f) != 1 || f[0].Host != api || f[0].Port != port || f[0].Connections != 1 ||
		f[0].Sent != int64(len(data)) ||
		f[0].Received != int64(len(data)) ||
		f[0].Duration <= 0 {
		t.Errorf("flows %+v", f)
	}
	w.noEvents()
}

func TestALookUpAsksNobodyOutside(t *testing.T) {
	w := newWorld(t)
	w.serve(network(t, "*.example.test"), nil, nil, nil)
	if _, err := w.lookUp("secret-data." + api); err != nil {
		t.Fatal(err)
	}
	if _, err := w.lookUp("evil.example"); err == nil {
		t.Error("a name that is not allowed has an address")
	}
	if asked := w.dns.Asked(); len(asked) > 0 {
		t.Errorf("asked outside: %v", asked)
	}
	e := w.event(RuleName)
	if e.Type != monitor.PermissionDenied || e.Network.Name != "evil.example" ||
		e.Action != "NXDOMAIN" ||
		!strings.Contains(e.Hint, "--allow-net evil.example") {
		t.Errorf("event %+v", e)
	}
}

func TestResolverAnswers(t *testing.T) {
	w := newWorld(t)
	w.ipv6 = true
	w.serve(network(t, api), nil, nil, nil)
	ask := func(name string, kind dnsmessage.Type, class dnsmessage.Class) dnsmessage.Message {
		t.Helper()
		q := dnsmessage.Message{
			Header: dnsmessage.Header{ID: 7, RecursionDesired: true},
			Questions: []dnsmessage.Question{
				{Name: dnsmessage.MustNewName(name), Type: kind, Class: class},
			},
		}
		data, err := q.Pack()
		if err != nil {
			t.Fatal(err)
		}
		var m dnsmessage.Message
		if err := m.Unpack(w.server.answer(data)); err != nil {
			t.Fatal(err)
		}
		if m.ID != 7 || !m.Response || len(m.Questions) != 1 ||
			m.Questions[0].Name.String() != name {
			t.Errorf("%s: %+v", name, m)
		}
		return m
	}
	for _, c := range []struct {
		name    string
		kind    dnsmessage.Type
		class   dnsmessage.Class
		code    dnsmessage.RCode
		answers int
	}{
		{api + ".", dnsmessage.TypeA, dnsmessage.ClassINET, 0, 1},
		{"aPI.Example.Test.", dnsmessage.TypeAAAA, dnsmessage.ClassINET, 0, 1},
		{api + ".", 65, dnsmessage.ClassINET, 0, 0}, // HTTPS
		{api + ".", 64, dnsmessage.ClassINET, 0, 0}, // SVCB
		{api + ".", dnsmessage.TypeTXT, dnsmessage.ClassINET, 0, 0},
		{api + ".", dnsmessage.TypeA, dnsmessage.ClassCHAOS, dnsmessage.RCodeRefused, 0},
		{"evil.example.", dnsmessage.TypeA, dnsmessage.ClassINET, dnsmessage.RCodeNameError, 0},
		{"evil.example.", dnsmessage.TypeTXT, dnsmessage.ClassINET, dnsmessage.RCodeNameError, 0},
		{"127.1.", dnsmessage.TypeA, dnsmessage.ClassINET, dnsmessage.RCodeNameError, 0},
		{"b\xc3\xbccher.example.", dnsmessage.TypeA, dnsmessage.ClassINET,
			dnsmessage.RCodeNameError, 0},
		{"1.0.0.127.in-addr.arpa.", dnsmessage.TypePTR, dnsmessage.ClassINET,
			dnsmessage.RCodeNameError, 0},
		{".", dnsmessage.TypeNS, dnsmessage.ClassINET, dnsmessage.RCodeNameError, 0},
	} {
		if m := ask(c.name, c.kind, c.class); m.RCode != c.code || len(m.Answers) != c.answers {
			t.Errorf("%q %v: %v with %d answers, want %v with %d", c.name, c.kind, m.RCode,
				len(m.Answers), c.code, c.answers)
		}
	}
	body := func(kind dnsmessage.Type) dnsmessage.ResourceBody {
		return ask(api+".", kind, dnsmessage.ClassINET).Answers[0].Body
	}
	a := body(dnsmessage.TypeA).(*dnsmessage.AResource)
	aaaa := body(dnsmessage.TypeAAAA).(*dnsmessage.AAAAResource)
	for _, addr := range []netip.Addr{netip.AddrFrom4(a.A), netip.AddrFrom16(aaaa.AAAA)} {
		if name, ours := w.server.pool.name(addr); !ours || name != api {
			t.Errorf("%s is %q's", addr, name)
		}
	}
	response := "\x00\x07\x80\x00\x00\x01\x00\x00\x00\x00\x00\x00"
	for _, junk := range []string{"", "x", response} {
		if out := w.server.answer([]byte(junk)); out != nil {
			t.Errorf("%q is answered", junk)
		}
	}
}

func TestResolverOverTCP(t *testing.T) {
	w := newWorld(t)
	w.serve(network(t, api), nil, nil, nil)
	conn, err := net.Dial("tcp4",
		w.server.sockets[len(w.server.sockets)-1].(net.Listener).Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	q := dnsmessage.Message{
		Header: dnsmessage.Header{ID: 9},
		Questions: []dnsmessage.Question{
			{
				Name:  dnsmessage.MustNewName(api + "."),
				Type:  dnsmessage.TypeA,
				Class: dnsmessage.ClassINET,
			},
		},
	}
	data, _ := q.Pack()
	for range 2 {
		conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(data))), data...))
		head := make([]byte, 2)
		if _, err := io.ReadFull(conn, head); err != nil {
			t.Fatal(err)
		}
		body := make([]byte, binary.BigEndian.Uint16(head))
		if _, err := io.ReadFull(conn, body); err != nil {
			t.Fatal(err)
		}
		var m dnsmessage.Message
		if err := m.Unpack(body); err != nil || len(m.Answers) != 1 {
			t.Fatalf("%+v, %v", m, err)
		}
	}
}

func TestAnAddressIsRefused(t *testing.T) {
	w := newWorld(t)
	port := w.echo(0)
	w.serve(network(t, fmt.Sprintf("%s:%d", api, port)), []int{port}, nil, nil)
	for addr, want := range map[string]string{"192.0.2.1": RuleAddress,
		"169.254.169.254": RuleMetadata, "10.0.0.1": RuleAddress, "198.18.0.77": RuleAddress} {
		_, refusal := w.server.judge(netip.MustParseAddr(addr), port)
		if ruleOf(refusal) != want {
			t.Errorf("%s: %+v", addr, refusal)
		}
	}
	if _, refusal := w.server.judge(netip.MustParseAddr("127.0.0.1"), port); refusal == nil ||
		refusal.Reason != "" {
		t.Errorf("the sandbox's own loopback: %+v", refusal)
	}
}

func TestATargetOfTheHostsNetworkIsRefused(t *testing.T) {
	w := newWorld(t)
	port := w.echo(0)
	w.dns.Set(api, "cname:inside.example.test")
	w.dns.Set("inside.example.test", w.target)
	w.serve(network(t, fmt.Sprintf("%s:%d", api, port)), []int{port}, []string{api}, nil)
	w.refused(w.dial(api, port))
	e := w.event(RulePrivate)
	if e.Network.Name != api || e.Network.Port != port || !strings.Contains(e.Reason, w.target) {
		t.Errorf("event %+v", e)
	}
}

func TestOneBadAddressOfManyRefusesAll(t *testing.T) {
	w := newWorld(t)
	port := w.echo(0)
	w.dns.Set(api, w.target, "169.254.169.254")
	w.serve(listed(t, w, port), []int{port}, []string{api}, nil)
	w.refused(w.dial(api, port))
	if e := w.event(RuleMetadata); e.Type != monitor.EscapeAttempt || e.Severity != monitor.High {
		t.Errorf("event %+v", e)
	}
}

// The address that was checked is the one that is dialled: a name that leads elsewhere a moment
// later gains nothing.
func TestANameIsLookedUpOnceAConnection(t *testing.T) {
	w := newWorld(t)
	port := w.echo(0)
	w.dns.Set(api, w.target)
	w.serve(listed(t, w, port), []int{port}, []string{api}, nil)
	exchange(t, w.dial(api, port), []byte("hello"))
	other := func(name string) bool { return name != api }
	if n := len(slices.DeleteFunc(w.dns.Asked(), other)); n != 2 { // A and AAAA
		t.Errorf("%d questions", n)
	}
	// For a moment the answer is used again, as it was checked. Then the name is looked up anew.
	w.dns.Set(api, "192.168.7.7")
	exchange(t, w.dial(api, port), []byte("hello"))
	w.server.dialer.names.mu.Lock()
	w.server.dialer.names.known[api].at = time.Now().Add(-freshTime)
	w.server.dialer.names.mu.Unlock()
	w.refused(w.dial(api, port))
	w.event(RulePrivate)
}

// What a look-up outside found is forgotten when it can't be reached.
func TestAnAddressThatFailsIsNotUsedAgain(t *testing.T) {
	w := newWorld(t)
	port := w.echo(0)
	w.dns.Set(api, "127.3.3.3") // nobody listens there
	n := network(t, fmt.Sprintf("%s:%d %s:%d 127.3.3.3:%d", api, port, w.target, port, port))
	w.serve(n, []int{port}, []string{api}, nil)
	w.refused(w.dial(api, port))
	w.event(RuleDown)
	w.dns.Set(api, w.target)
	exchange(t, w.dial(api, port), []byte("hello"))
}

func TestTheHostsOwnAddressIsPrivate(t *testing.T) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, a := range addrs {
		addr, _ := netip.AddrFromSlice(a.(*net.IPNet).IP)
		if addr = addr.Unmap(); addr.IsLoopback() || addr.IsLinkLocalUnicast() {
			continue
		}
		seen++
		if !ownAddress(addr) {
			t.Errorf("%s is this host's", addr)
		}
	}
	if seen == 0 {
		testhost.Lacks(t, "address", "this host has no address but loopback's")
	}
	if ownAddress(netip.MustParseAddr("192.0.2.1")) {
		t.Error("192.0.2.1 is taken for this host's")
	}
}

func TestATargetThatIsDownIsReset(t *testing.T) {
	w := newWorld(t)
	l := listen(t, w.target+":0")
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	w.dns.Set(api, w.target)
	w.serve(listed(t, w, port), []int{port}, []string{api}, nil)
	w.refused(w.dial(api, port))
	if e := w.event(RuleDown); e.Severity != monitor.Low || !strings.Contains(e.Reason, "refused") {
		t.Errorf("event %+v", e)
	}
}

func TestTLSMustNameTheHost(t *testing.T) {
	for _, c := range []struct {
		name  string
		first []byte
		rule  string
	}{
		{"its name", realHello(t, &tls.Config{ServerName: api}), ""},
		{"its name, a byte a record",
			split(realHello(t, &tls.Config{ServerName: "API.example.test"}), 1), ""},
		{"another", realHello(t, &tls.Config{ServerName: "evil.example"}), RuleSNI},
		{"another, a byte a record",
			split(realHello(t, &tls.Config{ServerName: "evil.example"}), 1), RuleSNI},
		{"none", realHello(t, &tls.Config{InsecureSkipVerify: true}), RuleSNI},
		{"an encrypted one",
			insert(realHello(t, &tls.Config{ServerName: api}), extECH, []byte{0}), RuleTLS},
		{"HTTP", []byte("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"), RuleTLS},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			const port = 8443
			w.echo(port)
			w.dns.Set(api, w.target)
			w.serve(listed(t, w, port), []int{port}, []string{api}, nil)
			conn := w.dial(api, port)
			if c.rule == "" {
				exchange(t, conn, c.first)
				w.noEvents()
				return
			}
			if _, err := conn.Write(c.first); err != nil {
				t.Fatal(err)
			}
			w.refused(conn)
			w.event(c.rule)
		})
	}
}

// On a port for anything, TLS must name the host as well, and a server may speak first.
func TestOtherProtocolsPass(t *testing.T) {
	w := newWorld(t)
	l := listen(t, w.target+":0")
	port := l.Addr().(*net.TCPAddr).Port
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "SSH-2.0-server\r\n")
			go io.Copy(io.Discard, conn)
		}
	}()
	w.dns.Set(api, w.target)
	w.serve(listed(t, w, port), []int{port}, []string{api}, nil)
	conn := w.dial(api, port)
	banner := make([]byte, 16)
	if _, err := io.ReadFull(conn, banner); err != nil || string(banner) != "SSH-2.0-server\r\n" {
		t.Errorf("%q, %v", banner, err)
	}
	w.noEvents()
	conn = w.dial(api, port)
	conn.Write(realHello(t, &tls.Config{ServerName: "evil.example"}))
	io.Copy(io.Discard, conn)
	w.event(RuleSNI)
}

func TestHalfClosedConnectionsGoOn(t *testing.T) {
	w := newWorld(t)
	l := listen(t, w.target+":0")
	port := l.Addr().(*net.TCPAddr).Port
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		asked, _ := io.ReadAll(conn) // until the client's half is closed
		io.WriteString(conn, "you said "+string(asked))
		conn.Close()
	}()
	w.dns.Set(api, w.target)
	w.serve(listed(t, w, port), []int{port}, []string{api}, nil)
	conn := w.dial(api, port)
	io.WriteString(conn, "hello")
	conn.CloseWrite()
	if got, err := io.ReadAll(conn); string(got) != "you said hello" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestLimits(t *testing.T) {
	t.Run("connections", func(t *testing.T) {
		w := newWorld(t)
		port := w.echo(0)
		w.dns.Set(api, w.target)
		n := listed(t, w, port)
		n.Limits.Connections = 1
		w.serve(n, []int{port}, []string{api}, nil)
		first := w.dial(api, port)
		io.WriteString(first, "x")
		io.ReadFull(first, make([]byte, 1))
		w.refused(w.dial(api, port))
		if e := w.event(RuleLimit); e.Limit.Name != "network_connections" {
			t.Errorf("event %+v", e)
		}
		exchange(t, first, []byte("still there"))
	})
	t.Run("bytes", func(t *testing.T) {
		w := newWorld(t)
		port := w.echo(0)
		w.dns.Set(api, w.target)
		n := listed(t, w, port)
		n.Limits.Bytes = 100_000
		w.serve(n, []int{port}, []string{api}, nil)
		conn := w.dial(api, port)
		go conn.Write(make([]byte, 1<<20))
		got, err := io.ReadAll(conn)
		if err == nil || len(got) > 100_000 {
			t.Errorf("%d bytes came back, %v", len(got), err)
		}
		if e := w.event(RuleLimit); e.Limit.Name != "network_bytes" || e.Limit.Value != 100_000 {
			t.Errorf("event %+v", e)
		}
	})
	t.Run("rate", func(t *testing.T) {
		m := newMeter(policies.NetworkLimits{Rate: 1000})
		began := time.Now()
		for range 3 {
			m.take(context.Background(), 100)
		}
		// the third one waits for two tenths
		if took := time.Since(began); took < 200*time.Millisecond {
			t.Errorf("300 bytes took %v at 1000 a second", took)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if n := m.take(ctx, 1<<20); n != 0 && m.take(ctx, 1) != 0 {
			t.Error("the end of the sandbox is waited out")
		}
	})
}

func TestThousandConnectionsHold(t *testing.T) {
	w := newWorld(t)
	port := w.echo(0)
	w.dns.Set(api, w.target)
	w.serve(listed(t, w, port), []int{port}, []string{api}, nil)
	addrs, err := w.lookUp(api)
	if err != nil {
		t.Fatal(err)
	}
	const n = 1000
	var wg sync.WaitGroup
	conns := make([]*net.TCPConn, n)
	room := make(chan struct{}, 50) // that connect at a time: the test's name server is one socket
	for i := range n {
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			conn, err := net.DialTCP("tcp4", nil,
				net.TCPAddrFromAddrPort(netip.AddrPortFrom(addrs[0], uint16(port))))
			if err != nil {
				t.Error(err)
				return
			}
			conns[i] = conn
			conn.SetDeadline(time.Now().Add(60 * time.Second))
			fmt.Fprintf(conn, "%04d", i)
			got := make([]byte, 4)
			if _, err := io.ReadFull(conn, got); err != nil ||
				string(got) != fmt.Sprintf("%04d", i) {
				t.Errorf("connection %d: %q, %v", i, got, err)
			}
		})
	}
	wg.Wait()
	for i, conn := range conns { // all of them are open
		if conn == nil {
			t.Fatal("not all are open")
		}
		fmt.Fprintf(conn, "%04d", i)
		got := make([]byte, 4)
		if _, err := io.ReadFull(conn, got); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		conn.Close()
	}
	w.noEvents()
}

func TestCloseCutsWhatIsOpen(t *testing.T) {
	w := newWorld(t)
	port := w.echo(0)
	w.dns.Set(api, w.target)
	w.serve(listed(t, w, port), []int{port}, []string{api}, nil)
	conn := w.dial(api, port)
	io.WriteString(conn, "x")
	io.ReadFull(conn, make([]byte, 1))
	w.server.Close()
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("the connection outlives its sandbox")
	}
}

// What a process sent before it ended arrives, and its connections end with it.
func TestEndLetsTheLastWordsOut(t *testing.T) {
	w := newWorld(t)
	l := listen(t, w.target+":0")
	port := l.Addr().(*net.TCPAddr).Port
	heard := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		got, _ := io.ReadAll(conn)
		heard <- string(got) // and the connection stays open
	}()
	w.dns.Set(api, w.target)
	w.serve(listed(t, w, port), []int{port}, []string{api}, nil)
	conn := w.dial(api, port)
	words := strings.Repeat("word ", 1<<15)
	io.WriteString(conn, words)
	conn.Close()
	select {
	case got := <-heard:
		if got != words {
			t.Errorf("%d bytes arrived of %d", len(got), len(words))
		}
	case <-time.After(20 * time.Second):
		t.Error("the other end was not told of the end")
	}
	w.server.End(w)
	if f := w.flows.List(); len(f) != 1 || f[0].Sent != int64(len(words)) {
		t.Errorf("flows %+v", f)
	}
	w.server.End(w) // nothing is left
}

func TestHappyEyeballs(t *testing.T) {
	w := newWorld(t)
	port := w.echo(0)
	good := netip.AddrPortFrom(netip.MustParseAddr(w.target), uint16(port))
	silent, broken := netip.MustParseAddrPort("[2001:db8::1]:443"), netip.MustParseAddrPort(
		"192.0.2.1:443",
	)
	d := dialer{connect: func(ctx context.Context, to netip.AddrPort) (*net.TCPConn, error) {
		switch to {
		case silent:
			<-ctx.Done()
			return nil, ctx.Err()
		case broken:
			return nil, fmt.Errorf("broken")
		}
		return connectTCP(ctx, to)
	}}
	for name, targets := range map[string][]netip.AddrPort{
		"the first is silent": {silent, good}, "the first is broken": {broken, good},
		"both": {silent, broken, good}, "the good one first": {good, silent},
	} {
		conn, err := d.race(context.Background(), targets)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		conn.Close()
	}
	if _, err := d.race(context.Background(), []netip.AddrPort{broken, broken}); err == nil {
		t.Error("nothing can be reached, and no error")
	}
	v4, v6 := netip.MustParseAddrPort("192.0.2.1:1"), netip.MustParseAddrPort("[2001:db8::1]:1")
	if got := interleave([]netip.AddrPort{v6, v6, v4, v4, v4}); !slices.Equal(
		got,
		[]netip.AddrPort{v6, v4, v6, v4, v4},
	) {
		t.Errorf("order %v", got)
	}
}

// The bytes of a connection that is open are known while the kernel moves them.
func TestTrafficOfAnOpenConnection(t *testing.T) {
	w := newWorld(t)
	port := w.echo(0)
	w.dns.Set(api, w.target)
	w.serve(listed(t, w, port), []int{port}, []string{api}, nil)
	conn := w.dial(api, port)
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB: enough to be spliced
	go conn.Write(data)
	if _, err := io.ReadFull(conn, make([]byte, len(data))); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second) // the last bytes are acknowledged a little later
	for {
		sent, got := w.server.Traffic(w)
		if sent == int64(len(data)) && got == int64(len(data)) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("sent %d, received %d", sent, got)
		}
		time.Sleep(time.Millisecond)
	}
	if sent, got := w.server.Traffic(nil); sent != 0 || got != 0 {
		t.Errorf("nobody's: %d, %d", sent, got)
	}
}
