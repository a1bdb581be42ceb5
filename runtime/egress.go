package runtime

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/egress"
	"github.com/mcpbox/mcpbox/internal/cleanup"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime/internal/control"
	"github.com/mcpbox/mcpbox/runtime/internal/verify"
)

// resolverInside is the address of the name server in a sandbox with network mode allow.
const resolverInside = "127.0.0.53"

// Connections counts the connections of a sandbox to one host, with network mode allow.
type Connections struct {
	Host        string  `json:"host"`
	Port        int     `json:"port"`
	Connections int64   `json:"connections"`
	Sent        int64   `json:"bytes_sent"`
	Received    int64   `json:"bytes_received"`
	Duration    Seconds `json:"duration"` // sum of all connections
}

func byName(p *policies.Policy) bool { return p.Network.Mode == policies.NetworkAllow }

// resolver returns the address of the name server inside, or "".
func resolver(p *policies.Policy) string {
	if byName(p) {
		return resolverInside
	}
	return ""
}

// network serves a network namespace in which every address is local: the sandbox's own, or a
// cell's.
type network struct {
	server *egress.Server
	owners owners
}

// openNetwork lets mcpbox-init make the sockets that stand for all hosts outside, and serves them.
// mcpbox-init has capabilities for that until it answers. This function verifies that they are
// dropped, before any tool starts. In a sandbox of cells, each cell has its own: Cell.openNetwork.
func (c *contained) openNetwork(ctx context.Context, undo *cleanup.Stack) error {
	if !byName(c.policy()) || c.box.spec.Cells > 0 {
		return nil
	}
	m, err := c.askNetwork(ctx, c.policy().Network.ListenPorts())
	if err != nil {
		return err
	}
	if c.network, err = c.serveNetwork(m.FDs, m.IPv6); err != nil {
		return err
	}
	undo.Push(c.network.close)
	err = dropped(c.container.PID, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE, unix.CAP_SETPCAP)
	if err != nil {
		return err
	}
	return c.box.opts.passed("network")
}

// openNetwork receives the sockets of the cell's own network namespace, and serves them. The
// cell's PID 1 has dropped the capabilities for that before it sends them, which this function
// verifies.
func (cell *Cell) openNetwork(ctx context.Context) error {
	ports := cell.c.policy().Network.ListenPorts()
	record, fds, err := receiveRecord(ctx, cell.call, 2+len(ports))
	if err != nil {
		return setupError("network", err)
	}
	if record.Step != 0 || len(fds) != 2+len(ports) {
		initproto.CloseAll(fds)
		return networkFault(faultOf(record), ports)
	}
	if cell.network, err = cell.c.serveNetwork(fds, record.Index == 1); err != nil {
		return err
	}
	return dropped(cell.pid, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE)
}

// dropped returns an error if a thread of a PID 1 still has one of the capabilities.
func dropped(pid int, capabilities ...uint) error {
	if err := verify.Dropped(pid, capabilities...); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrLayer, policies.LayerCapabilities, err)
	}
	return nil
}

// serveNetwork serves the sockets of a network namespace, and owns them.
func (c *contained) serveNetwork(fds []int, ipv6 bool) (*network, error) {
	cfg, err := sockets(fds)
	if err != nil {
		return nil, setupError("network", err)
	}
	n := &network{}
	cfg.Network, cfg.IPv6, cfg.Owner = c.policy().Network, ipv6, n.owners.newest
	if i := c.inspected; i != nil {
		cfg.Secrets, cfg.Authority, cfg.Roots = i.Secrets, i.Authority, c.box.spec.Roots
	}
	n.server, err = egress.Serve(cfg)
	return n, err
}

// inspect reads the secrets before the sandbox exists. Files of the spec must not contain them.
func (c *contained) inspect(ctx context.Context) (err error) {
	spec := c.box.spec
	if c.inspected, err = egress.Prepare(ctx, spec.Policy, spec.Secrets); err != nil {
		return err
	}
	for _, f := range spec.Files {
		if name, _ := c.inspected.Leak(string(f.Data)); name != "" {
			return hint.Errorf("leave it out: the tool gets a placeholder",
				"the file %s contains the secret %s", f.Path, name)
		}
	}
	return nil
}

// withoutSecrets refuses a command that would pass a secret to the tool.
func (c *contained) withoutSecrets(cmd Command, env []string) error {
	if name, i := c.inspected.Leak(env...); name != "" {
		variable, _, _ := strings.Cut(env[i], "=")
		return hint.Errorf("do not pass it: the tool gets a placeholder in "+name,
			"the environment variable %s contains the secret %s", variable, name)
	}
	if name, i := c.inspected.Leak(cmd.Args...); name != "" {
		return hint.Errorf("give the placeholder, as $"+name+" in the sandbox",
			"argument %d contains the secret %s", i, name)
	}
	return nil
}

// askNetwork returns mcpbox-init's answer, with one descriptor for each socket.
func (c *contained) askNetwork(ctx context.Context, ports []int) (control.Answer, error) {
	body := networkBody(ports)
	inbox := c.conn.Open(0)
	defer inbox.Close()
	if err := c.conn.Send(initproto.Message{Kind: initproto.Network}, body); err != nil {
		return control.Answer{}, setupError("network", err)
	}
	m, err := inbox.Next(ctx)
	if err != nil {
		return m, fmt.Errorf("start: %w", err)
	}
	if m.Kind == initproto.Networked && len(m.FDs) == 2+len(ports) {
		return m, nil
	}
	m.Close()
	return m, networkFault(m.Fault, ports)
}

func networkBody(ports []int) *initproto.NetworkBody {
	v4, v6 := egress.Local()
	return &initproto.NetworkBody{IPv4: v4.AsSlice(), IPv6: v6.AsSlice(),
		Resolver: net.ParseIP(resolverInside).To4(), Ports: ports}
}

func networkFault(f initproto.Fault, ports []int) error {
	e := &SetupError{Step: f.Step.String(), Index: int(f.Index), Err: f.Errno}
	if i := int(f.Index); f.Step == initproto.StepListen && i < len(ports) {
		e.Detail = "port " + strconv.Itoa(ports[i])
	}
	return hint.Wrap(e, doctorHint)
}

// sockets makes net sockets from mcpbox-init's descriptors, and closes the descriptors.
func sockets(fds []int) (cfg egress.Config, err error) {
	var open []interface{ Close() error }
	defer func() {
		if err != nil {
			for _, c := range open {
				_ = c.Close()
			}
		}
	}()
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "socket")
		defer func() { _ = f.Close() }()
		if err != nil {
			continue
		}
		if i == 0 {
			if cfg.Packets, err = net.FilePacketConn(f); err == nil {
				open = append(open, cfg.Packets)
			}
			continue
		}
		var l net.Listener
		if l, err = net.FileListener(f); err != nil {
			continue
		}
		open = append(open, l)
		if i == 1 {
			cfg.Streams = l
		} else {
			cfg.Listeners = append(cfg.Listeners, l)
		}
	}
	return cfg, err
}

// owners holds the processes that a connection may belong to.
type owners struct {
	mu  sync.Mutex
	all []*Process
}

func (o *owners) join(p *Process) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, p)
}

// leave forgets a process that has ended, except the last one: its last connections may appear
// after its end.
func (o *owners) leave(p *Process) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.all) > 1 {
		o.all = slices.DeleteFunc(o.all, func(other *Process) bool { return other == p })
	}
}

// newest returns the process that owns a new connection. A socket does not show which of several
// processes it belongs to.
func (o *owners) newest() egress.Owner {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.all) == 0 {
		return nil
	}
	return owner{o.all[len(o.all)-1]}
}

// join makes p the owner of new connections.
func (n *network) join(p *Process) {
	if n != nil {
		n.owners.join(p)
	}
}

// end ends the connections of a process that has ended.
func (n *network) end(p *Process) {
	if n != nil {
		n.owners.leave(p)
		n.server.End(owner{p})
	}
}

// close ends all connections, and prevents new ones.
func (n *network) close() {
	if n != nil {
		n.server.Close()
	}
}

// traffic returns the bytes of a process's open connections.
func (n *network) traffic(p *Process) (sent, received int64) {
	if n == nil {
		return 0, 0
	}
	return n.server.Traffic(owner{p})
}

// owner is a process in the form that package egress uses.
type owner struct{ *Process }

func (o owner) Call() *monitor.Call { return o.cmd.attributed(monitor.Event{}).Call }

func (o owner) Reached(f egress.Flow) {
	o.reached.Add(f)
	if o.cmd.Reached != nil {
		o.cmd.Reached(connections(f), f.Call)
	}
}

func connections(f egress.Flow) Connections {
	return Connections{Host: f.Host, Port: f.Port, Connections: f.Connections, Sent: f.Sent,
		Received: f.Received,
		Duration: Seconds(f.Duration.Round(time.Microsecond))}
}

// connections returns the connections of the process; nil without network mode allow.
func (p *Process) connections() (out []Connections) {
	if !byName(p.box.policy()) {
		return nil
	}
	for _, f := range p.reached.List() {
		out = append(out, connections(f))
	}
	return out
}

const inwardsTime = 10 * time.Second // for a connection to a server in the sandbox

// publish listens on the host for the sandbox's servers.
func (c *contained) publish(undo *cleanup.Stack) error {
	for _, text := range c.policy().Network.Publish {
		p, err := policies.ParsePublished(text)
		if err != nil {
			return err
		}
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(p.Host))
		if err != nil {
			return hint.Errorf(
				"another program has the port: --publish OTHER:"+fmt.Sprint(p.Inside),
				"publish %s: %w", p.Host, err)
		}
		inwards := egress.Publish(l, func(ctx context.Context) (*net.TCPConn, error) {
			return c.dialInside(ctx, p.Inside)
		})
		undo.Push(inwards.Close)
		c.inwards = append(c.inwards, inwards)
	}
	return nil
}

// dialInside lets mcpbox-init connect to a port of the sandbox's loopback device.
func (c *contained) dialInside(ctx context.Context, port int) (*net.TCPConn, error) {
	ctx, cancel := context.WithTimeout(ctx, inwardsTime)
	defer cancel()
	number := -int(atomic.AddInt64(&c.dialled, 1)) // negative, unlike the processes' numbers
	inbox := c.conn.Open(number)
	defer inbox.Close()
	m := initproto.Message{Kind: initproto.Connect, Process: number, Port: port}
	if err := c.conn.Send(m, nil); err != nil {
		return nil, err
	}
	answer, err := inbox.Next(ctx)
	if err != nil {
		return nil, err
	}
	if answer.Kind != initproto.Connected || len(answer.FDs) != 1 {
		answer.Close()
		return nil, answer.Fault
	}
	f := os.NewFile(uintptr(answer.FDs[0]), "inside")
	defer func() { _ = f.Close() }()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		_ = conn.Close()
		return nil, fmt.Errorf("mcpbox-init sent a %T", conn)
	}
	return tcp, nil
}
