package mcpserver

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// drainTimeout is longer than any call may take in one of the tiers.
const drainTimeout = 2 * time.Minute

// draining is a transport that answers the calls in flight before it ends. A script closes its side
// as soon as it has written its last call.
type draining struct{ mcp.Transport }

func (d draining) Connect(ctx context.Context) (mcp.Connection, error) {
	c, err := d.Transport.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &drainingConnection{Connection: c, calls: map[jsonrpc.ID]bool{},
		closed: make(chan struct{})}, nil
}

type drainingConnection struct {
	mcp.Connection
	once   sync.Once
	closed chan struct{}

	mu    sync.Mutex
	calls map[jsonrpc.ID]bool // that have no answer yet
	idle  chan struct{}       // closed when there is none; nil: nobody waits
}

func (c *drainingConnection) Read(ctx context.Context) (jsonrpc.Message, error) {
	m, err := c.Connection.Read(ctx)
	if r, ok := m.(*jsonrpc.Request); ok && r.IsCall() {
		c.mu.Lock()
		c.calls[r.ID] = true
		c.mu.Unlock()
	}
	if errors.Is(err, io.EOF) {
		timeout := time.NewTimer(drainTimeout)
		defer timeout.Stop()
		select {
		case <-c.allAnswered():
		case <-c.closed:
		case <-ctx.Done():
		case <-timeout.C:
		}
	}
	return m, err
}

func (c *drainingConnection) allAnswered() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = make(chan struct{})
	idle := c.idle
	c.wake()
	return idle
}

// wake is called with the lock held.
func (c *drainingConnection) wake() {
	if len(c.calls) == 0 && c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
}

func (c *drainingConnection) Write(ctx context.Context, m jsonrpc.Message) error {
	err := c.Connection.Write(ctx, m)
	if r, ok := m.(*jsonrpc.Response); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.calls, r.ID)
		c.wake()
	}
	return err
}

func (c *drainingConnection) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Connection.Close()
}
