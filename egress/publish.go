package egress

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

const maxInwards = 256 // connections to one published port at a time

// Inwards passes connections from the host on to a server in a sandbox.
type Inwards struct {
	listener net.Listener
	dial     func(context.Context) (*net.TCPConn, error)
	cancel   context.CancelFunc
	wg       sync.WaitGroup

	mu    sync.Mutex
	conns map[*net.TCPConn]struct{}
	ended bool
}

// Publish serves l, a TCP listener on the host, until Close. dial connects inside. If nobody
// listens there, the connection is reset.
func Publish(l net.Listener, dial func(context.Context) (*net.TCPConn, error)) *Inwards {
	p := &Inwards{listener: l, dial: dial, conns: map[*net.TCPConn]struct{}{}}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.wg.Go(func() { p.accept(ctx) })
	return p
}

// Close ends the listening and all connections, and waits for them.
func (p *Inwards) Close() {
	p.cancel()
	_ = p.listener.Close()
	p.mu.Lock()
	p.ended = true
	for c := range p.conns {
		_ = c.Close()
	}
	p.mu.Unlock()
	p.wg.Wait()
}

func (p *Inwards) accept(ctx context.Context) {
	room := make(chan struct{}, maxInwards)
	for {
		conn, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
			return
		}
		outside, ok := conn.(*net.TCPConn)
		if err != nil || !ok {
			time.Sleep(10 * time.Millisecond) // too many open files
			continue
		}
		if !takeConnection() {
			reset(outside)
			continue
		}
		select {
		case room <- struct{}{}:
		default:
			leaveConnection()
			reset(outside)
			continue
		}
		p.wg.Go(func() {
			defer func() { <-room }()
			defer leaveConnection()
			p.pass(ctx, outside)
		})
	}
}

func (p *Inwards) pass(ctx context.Context, outside *net.TCPConn) {
	defer p.track(outside)()
	inside, err := p.dial(ctx)
	if err != nil {
		reset(outside)
		return
	}
	defer p.track(inside)()
	done := make(chan struct{})
	go func() {
		defer close(done)
		half(inside, outside)
	}()
	half(outside, inside)
	<-done
}

// half passes one direction on, until it ends.
func half(to, from *net.TCPConn) {
	if _, err := to.ReadFrom(from); err != nil {
		reset(to)
		reset(from)
		return
	}
	_ = to.CloseWrite() // fails if the other end is gone: the other direction notices
}

// track lets Close end a connection. The returned function closes it.
func (p *Inwards) track(c *net.TCPConn) func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = struct{}{}
	if p.ended {
		_ = c.Close()
	}
	return func() {
		_ = c.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, c)
	}
}
