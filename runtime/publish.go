package runtime

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/mcpbox/mcpbox/egress"
	"github.com/mcpbox/mcpbox/internal/cleanup"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/policies"
)

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
