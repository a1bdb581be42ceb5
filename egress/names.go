package egress

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

const (
	freshTime  = 5 * time.Second // that an answer is used again: the resolver's TTL is not known
	maxLookUps = 256             // that are remembered
)

// lookUps remembers the addresses of names for some seconds. A program often connects to a host
// several times, and the first time right after it has looked the name up.
type lookUps struct {
	ctx      context.Context // of the sandbox's network
	resolver Resolver

	mu    sync.Mutex
	known map[string]*lookUp
}

// lookUp is a look-up that has ended, or is going on.
type lookUp struct {
	done  chan struct{} // closed with the end; then the others are set
	addrs []netip.Addr
	own   netip.Addr // the first of them that is this host's, if there is one
	err   error
	at    time.Time
}

// begin starts a look-up, unless there is a usable one.
func (l *lookUps) begin(name string) *lookUp {
	l.mu.Lock()
	defer l.mu.Unlock()
	if have := l.known[name]; have != nil && have.usable() {
		return have
	}
	if len(l.known) >= maxLookUps {
		clear(l.known)
	}
	n := &lookUp{done: make(chan struct{})}
	l.known[name] = n
	go func() {
		defer close(n.done)
		ctx, cancel := context.WithTimeout(l.ctx, lookUpTime)
		defer cancel()
		n.addrs, n.err = l.resolver.LookupNetIP(ctx, "ip", name+".") // the dot: no search domains
		for _, addr := range n.addrs {
			if addr = addr.Unmap(); kindOf(addr) == public && ownAddress(addr) {
				n.own = addr
				break
			}
		}
		n.at = time.Now()
	}()
	return n
}

// usable reports whether the look-up is going on, or has a fresh answer.
func (n *lookUp) usable() bool {
	select {
	case <-n.done:
		return n.err == nil && time.Since(n.at) < freshTime
	default:
		return true
	}
}

// forget makes the next look-up ask again, after none of the addresses could be reached.
func (l *lookUps) forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, name)
}

// wait returns the answer.
func (n *lookUp) wait(ctx context.Context) ([]netip.Addr, error) {
	select {
	case <-n.done:
		return n.addrs, n.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
