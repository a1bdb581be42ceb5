package doctor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime"
)

const (
	byNameHost  = "doctor.mcpbox.test" // RFC 6761: nobody has it
	byNameReply = "reached"
)

// visit connects to a host and port, with what there is.
const visit = `if command -v bash >/dev/null; then
exec bash -c 'exec 3<>"/dev/tcp/$0/$1" && cat <&3' "$0" "$1"
elif command -v python3 >/dev/null; then
exec python3 -c 'import socket, sys
print(socket.create_connection((sys.argv[1], sys.argv[2])).recv(99).decode())' "$0" "$1"
elif command -v nc >/dev/null; then exec nc "$0" "$1" </dev/null
fi
exit 127`

// networkByName starts a sandbox that may reach one host, looks the host up in it, and connects to
// it. The host is a server of this process, on the loopback device.
func networkByName(ctx context.Context) Item {
	const name = "network by name"
	took, found, err := reachByName(ctx)
	if err == nil {
		return ok(name, fmt.Sprintf("%s, in %d ms", found, took.Milliseconds()))
	}
	item := Item{name, Warn, oneLine(err.Error()), "--allow-net and network.mode allow",
		hint.Of(err)}
	if strings.Contains(item.Fix, "mcpbox doctor") {
		item.Fix = "" // this is it
	}
	return item
}

func reachByName(ctx context.Context) (took time.Duration, found string, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	server, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, "", err
	}
	defer server.Close()
	go greet(server)
	names, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		return 0, "", err
	}
	defer names.Close()
	go answer(names)
	p, err := policies.Preset("standard")
	if err != nil {
		return 0, "", err
	}
	port := server.Addr().(*net.TCPAddr).Port // of a TCP listener
	p.AllowNetwork(policies.NetworkRule{Host: byNameHost, Ports: []int{port}},
		policies.NetworkRule{Host: "127.0.0.1", Ports: []int{port}})
	p.Network.DNS.Servers = []string{names.LocalAddr().String()}
	began := time.Now()
	var out strings.Builder
	res, err := runtime.Run(ctx, runtime.Spec{Policy: p}, runtime.Command{
		Args:   []string{"sh", "-c", visit, byNameHost, fmt.Sprint(port)},
		Stdout: &out, Stderr: &out})
	switch {
	case errors.Is(err, runtime.ErrNotFound) || err == nil && res.ExitCode == 127:
		return time.Since(began), "set up; nothing in /usr could try it (bash, python3 or nc)", nil
	case err != nil:
		return 0, "", err
	case !strings.Contains(out.String(), byNameReply) && len(res.Events) > 0:
		return 0, "", errors.New(res.Events[0].Reason)
	case !strings.Contains(out.String(), byNameReply):
		return 0, "", fmt.Errorf("an allowed host was not reached: %s (exit code %d)", res.Status,
			res.ExitCode)
	}
	return time.Since(began), "a sandbox looked a name up and reached its host", nil
}

// greet says hello to each connection.
func greet(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(conn, byNameReply+"\n") // else the sandbox does not hear it
		_ = conn.Close()
	}
}

// answer says that every name is this host's.
func answer(conn net.PacketConn) {
	buf := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var p dnsmessage.Parser
		head, err := p.Start(buf[:n])
		if err != nil {
			continue
		}
		q, err := p.Question()
		if err != nil {
			continue
		}
		reply := dnsmessage.Message{Header: dnsmessage.Header{ID: head.ID, Response: true},
			Questions: []dnsmessage.Question{q}}
		if q.Type == dnsmessage.TypeA {
			reply.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class},
				Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
			}}
		}
		if data, err := reply.Pack(); err == nil {
			_, _ = conn.WriteTo(data, from) // a lost answer is asked for again
		}
	}
}
