package server

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/server/api"
)

// bounds of the latency histogram, in seconds.
var bounds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// counts are what the daemon counts itself.
type counts struct {
	mu      *sync.Mutex
	ended   map[string]uint64 // executions, by status
	refused map[string]uint64 // requests, by status code
	buckets []uint64
	seconds *float64
	n       *uint64
}

func newCounts() counts {
	return counts{mu: new(sync.Mutex), ended: map[string]uint64{}, refused: map[string]uint64{},
		buckets: make([]uint64, len(bounds)), seconds: new(float64), n: new(uint64)}
}

func (c counts) end(status string, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended[status]++
	*c.n++
	*c.seconds += took.Seconds()
	for i, b := range bounds {
		if took.Seconds() <= b {
			c.buckets[i]++
		}
	}
}

func (c counts) refuse(code int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused[strconv.Itoa(code)]++
}

func (d *daemon) stats() api.Stats {
	p := d.pool.Stats()
	out := api.Stats{
		Started:  d.started,
		Draining: d.draining.Load(),
		Pool: api.Pool{
			Live:     p.Live,
			Waiting:  p.Waiting,
			Refused:  p.Refused,
			Policies: []api.PoolPolicy{},
		},
	}
	for _, s := range p.Policies {
		out.Pool.Policies = append(
			out.Pool.Policies,
			api.PoolPolicy{Name: s.Name, Sandboxes: s.Sandboxes, Warm: s.Warm,
				Target: s.Target, Calls: s.Calls, Waited: s.Waited, Error: s.Error},
		)
	}
	d.mu.Lock()
	out.Running, out.Sandboxes = len(d.runs), len(d.boxes)
	d.mu.Unlock()
	d.counts.mu.Lock()
	out.Executions, out.Refused = maps.Clone(d.counts.ended), maps.Clone(d.counts.refused)
	d.counts.mu.Unlock()
	out.Events, out.EventsLost = d.hub.Counts()
	return out
}

// getStats: GET /v1/stats
func (d *daemon) getStats(*http.Request) (*api.Stats, error) {
	out := d.stats()
	return &out, nil
}

// metrics: GET /metrics, in the text format of Prometheus.
func (d *daemon) metrics(w http.ResponseWriter, r *http.Request) {
	s := d.stats()
	var b strings.Builder
	family := func(name, kind, help string) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
	}
	one := func(name, kind, help string, v any) {
		family(name, kind, help)
		fmt.Fprintf(&b, "%s %v\n", name, v)
	}
	many := func(name, help, label string, values map[string]uint64) {
		family(name, "counter", help)
		for _, k := range slices.Sorted(maps.Keys(values)) {
			fmt.Fprintf(&b, "%s{%s=%q} %d\n", name, label, k, values[k])
		}
	}
	one("mcpbox_running_executions", "gauge", "Executions that run.", s.Running)
	one("mcpbox_sandboxes", "gauge", "Sandboxes of clients.", s.Sandboxes)
	many("mcpbox_executions_total", "Executions that have ended, by status.", "status",
		s.Executions)
	many("mcpbox_refused_total", "Requests that were refused, by HTTP status.", "code", s.Refused)
	many("mcpbox_events_total", "Security events, by type.", "type", s.Events)
	one("mcpbox_events_lost_total", "counter", "Events that a follower or the state has lost.",
		s.EventsLost)
	one("mcpbox_pool_live", "gauge", "Calls of the pool that run.", s.Pool.Live)
	one("mcpbox_pool_waiting", "gauge", "Calls that wait to be admitted.", s.Pool.Waiting)
	one("mcpbox_pool_refused_total", "counter", "Calls that were not admitted.", s.Pool.Refused)
	family("mcpbox_pool_warm_cells", "gauge", "Cells that wait for a call.")
	for _, p := range s.Pool.Policies {
		fmt.Fprintf(&b, "mcpbox_pool_warm_cells{policy=%q} %d\n", p.Name, p.Warm)
	}
	d.counts.histogram(&b, family)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = io.WriteString(w, b.String())
}

func (c counts) histogram(b *strings.Builder, family func(name, kind, help string)) {
	const name = "mcpbox_execution_seconds"
	family(name, "histogram", "How long executions took, with their wait.")
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, bound := range bounds {
		fmt.Fprintf(b, "%s_bucket{le=\"%v\"} %d\n", name, bound, c.buckets[i])
	}
	fmt.Fprintf(b, "%s_bucket{le=\"+Inf\"} %d\n%s_sum %v\n%s_count %d\n", name, *c.n, name,
		*c.seconds, name, *c.n)
}
