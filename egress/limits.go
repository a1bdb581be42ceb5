package egress

import (
	"context"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/policies"
)

const defaultConnections = 1024 // open at a time

// meter holds a sandbox to its limits.
type meter struct {
	max   int64 // connections
	bytes int64 // in all, 0: no limit
	rate  int64 // a second, 0: no limit

	mu    sync.Mutex
	open  int64
	spent int64
	due   time.Time // when what was let through so far has taken its time
}

func newMeter(l policies.NetworkLimits) *meter {
	m := &meter{max: l.Connections, bytes: int64(l.Bytes), rate: int64(l.Rate)}
	if m.max == 0 {
		m.max = defaultConnections
	}
	return m
}

// enter takes a place for a connection. leave gives it back.
func (m *meter) enter() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open >= m.max {
		return false
	}
	m.open++
	return true
}

func (m *meter) leave() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open--
}

// counts reports whether there is a limit of bytes or of their rate.
func (m *meter) counts() bool { return m.bytes > 0 || m.rate > 0 }

// take waits until the rate allows n bytes. It returns how many of them may pass. If these are
// fewer than n, the limit is reached.
func (m *meter) take(ctx context.Context, n int) int {
	m.mu.Lock()
	if m.bytes > 0 {
		n = int(min(int64(n), m.bytes-m.spent))
		m.spent += int64(n)
	}
	var wait time.Duration
	if m.rate > 0 {
		now := time.Now()
		if m.due.Before(now) {
			m.due = now
		}
		wait = m.due.Sub(now)
		m.due = m.due.Add(time.Duration(float64(n) / float64(m.rate) * float64(time.Second)))
	}
	m.mu.Unlock()
	if wait <= 0 {
		return n
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return n
	case <-ctx.Done():
		return 0
	}
}
