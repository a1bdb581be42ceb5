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
	Policies []PolicyStats `json:"policies"`
}

// PolicyStats are those of one policy.
type PolicyStats struct {
	Name      string `json:"name"`
	Sandboxes int    `json:"sandboxes"`
	Warm      int    `json:"warm"`   // cells that wait for a call
	Target    int    `json:"target"` // cells that are to wait
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
	for _, s := range p.all() {
		out.Policies = append(out.Policies, s.stats(time.Now()))
	}
	slices.SortFunc(out.Policies, func(a, b PolicyStats) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func (s *shelf) stats(now time.Time) PolicyStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := PolicyStats{Name: s.key.policy.Name, Sandboxes: len(s.boxes), Warm: len(s.warm), Target: s.target(now),
		Calls: s.counts.calls, Waited: s.counts.waited, Built: s.counts.built}
	if s.failed != nil {
		out.Error = s.failed.Error()
	}
	return out
}
