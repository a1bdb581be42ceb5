package pool

import (
	"cmp"
	"slices"
	"time"
)

// Stats are a pool's levels and counts.
type Stats struct {
	Live     int           `json:"live"`    // calls that run
	Waiting  int           `json:"waiting"` // calls that wait to be admitted
	Refused  uint64        `json:"refused"` // calls that were not admitted
	Sessions int           `json:"sessions"`
	Policies []PolicyStats `json:"policies"`
}

// PolicyStats are those of one policy.
type PolicyStats struct {
	Name      string `json:"name"`
	Sandboxes int    `json:"sandboxes"`
	Warm      int    `json:"warm"`           // cells that wait for a call
	Held      int    `json:"held,omitempty"` // of these, with a program that waits
	Target    int    `json:"target"`         // cells that are to wait
	Calls     uint64 `json:"calls"`
	Waited    uint64 `json:"waited"` // calls that found no cell ready
	Built     uint64 `json:"built"`  // cells
	Error     string `json:"error,omitempty"`
}

// Stats returns the pool's levels and counts of now.
func (p *Pool) Stats() Stats {
	g := p.gate
	g.mu.Lock()
	out := Stats{Live: g.running, Waiting: g.waiting, Refused: g.refused, Policies: []PolicyStats{}}
	g.mu.Unlock()
	p.sessions.mu.Lock()
	out.Sessions = len(p.sessions.open)
	p.sessions.mu.Unlock()
	for _, s := range p.all() {
		out.Policies = append(out.Policies, s.stats(time.Now()))
	}
	slices.SortFunc(out.Policies, func(a, b PolicyStats) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (s *shelf) stats(now time.Time) PolicyStats {
	s.mu.Lock()
	out := PolicyStats{Name: s.key.policy.Name, Sandboxes: len(s.boxes)}
	s.mu.Unlock()
	for _, k := range s.all() {
		k.add(&out, now)
	}
	return out
}

func (k *stock) add(to *PolicyStats, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	to.Warm += len(k.warm)
	if k.program != nil {
		to.Held += len(k.warm)
	}
	to.Target += k.target(now)
	to.Calls += k.counts.calls
	to.Waited += k.counts.waited
	to.Built += k.counts.built
	if k.failed != nil {
		to.Error = k.failed.Error()
	}
}
