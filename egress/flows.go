package egress

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
)

// Flow counts allowed connections to one host and port.
type Flow struct {
	Host        string
	Port        int
	Connections int64
	Sent        int64 // bytes from the sandbox
	Received    int64
	Duration    time.Duration // of all together
	Call        *monitor.Call // of a single one: when it began; nil: none
}

const maxFlows = 1024 // hosts and ports; what comes later is counted together

// Flows adds up the connections of one owner. The zero value is ready.
type Flows struct {
	mu   sync.Mutex
	byTo map[Flow]*Flow // by host and port
}

// Add adds one flow.
func (f *Flows) Add(one Flow) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byTo == nil {
		f.byTo = map[Flow]*Flow{}
	}
	key := Flow{Host: one.Host, Port: one.Port}
	sum := f.byTo[key]
	if sum == nil && len(f.byTo) >= maxFlows {
		key = Flow{Host: "(others)"}
		sum = f.byTo[key]
	}
	if sum == nil {
		sum = &Flow{Host: key.Host, Port: key.Port}
		f.byTo[key] = sum
	}
	sum.Connections += one.Connections
	sum.Sent += one.Sent
	sum.Received += one.Received
	sum.Duration += one.Duration
}

// Reset forgets what was added so far.
func (f *Flows) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.byTo = nil
}

// List returns the sums, sorted by host and port.
func (f *Flows) List() []Flow {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Flow, 0, len(f.byTo))
	for _, sum := range f.byTo {
		out = append(out, *sum)
	}
	slices.SortFunc(out, func(a, b Flow) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Port, b.Port))
	})
	return out
}
