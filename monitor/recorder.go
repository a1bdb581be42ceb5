package monitor

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/policies"
)

// Config is what a Recorder needs to know about its sandbox.
type Config struct {
	Sandbox, Policy string
	Sinks           []Sink // the recorder closes them
	// instead of Sinks: shared with other recorders, and not closed by Close
	Fanout *Fanout
	Rules  []policies.Rule
	// Respond does what a rule asks for. It is called in the goroutine that called Record, without
	// a lock: for alert once per event and rule, for kill and quarantine once per run. Nil: nothing
	// is done.
	Respond func(Action, Event)
	Clock   func() time.Time // nil: time.Now
}

// Stats counts events, repeats included: Seen = Reported + Dropped.
type Stats struct {
	Seen     uint64 `json:"seen"`
	Reported uint64 `json:"reported"` // reported by an event
	// of these: written to the sinks, but no longer in Events
	Forgotten uint64   `json:"forgotten,omitempty"`
	Dropped   uint64   `json:"dropped"`              // counted only: too many different events
	LinesLost uint64   `json:"lines_lost,omitempty"` // lines that sinks failed to take
	Warnings  []string `json:"warnings,omitempty"`   // one per failing sink or rule
}

// Recorder records the events of one run. Its methods may be called from any goroutine.
type Recorder struct {
	cfg   Config
	rules []*rule
	out   *Fanout

	mu        sync.Mutex
	ids       ids
	table     table
	behaviour behaviour
	stats     Stats
	responded bool // kill or quarantine was asked for
	closed    bool
}

// New compiles the rules. An error names the rule and the position, and has a hint. On an error the
// sinks are closed.
func New(cfg Config) (*Recorder, error) {
	rules, err := compileRules(cfg.Rules)
	if err != nil {
		for _, s := range cfg.Sinks {
			_ = s.Close()
		}
		return nil, err
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	r := &Recorder{cfg: cfg, rules: rules, table: newTable(), out: cfg.Fanout}
	if r.out == nil {
		r.out = NewFanout(cfg.Sinks...)
	}
	return r, nil
}

// response is what is done after the lock is released.
type response struct {
	action Action
	event  Event
}

// Record classes an event, folds it, applies the rules and passes it to the sinks. It never waits
// for a sink and never fails. After Close it only counts.
func (r *Recorder) Record(e Event) {
	r.mu.Lock()
	now := r.cfg.Clock()
	refused := cmp.Or(e.Type, SyscallBlocked) // before detection, for the rules
	e.Count = max(e.Count, 1)
	e = Classify(e)
	todo := r.record(e, refused, now, nil)
	for _, s := range r.behaviour.observe(e, now) {
		todo = r.record(s, s.Type, now, todo)
	}
	r.mu.Unlock()
	if r.cfg.Respond == nil {
		return
	}
	for _, t := range todo {
		r.cfg.Respond(t.action, t.event)
	}
}

func (r *Recorder) record(e Event, refused Type, now time.Time, todo []response) []response {
	e = bound(e)
	if e.Time.IsZero() {
		e.Time = now
	}
	e.Sandbox = cmp.Or(e.Sandbox, text(r.cfg.Sandbox, maxName))
	e.Policy = cmp.Or(e.Policy, text(r.cfg.Policy, maxText))
	n := uint64(e.Count)
	r.stats.Seen += n
	if r.closed {
		r.stats.Dropped += n
		return todo
	}
	ent, fresh := r.table.fold(e, e.Severity, now)
	if ent == nil { // a rule may make it worth a reserved token
		ent, fresh = r.table.fold(e, r.judge(e, refused), now)
	}
	if ent == nil {
		r.stats.Dropped += n
		todo = r.apply(&entry{event: e, dropped: true}, refused, todo)
		ent, fresh = r.table.always(flood(e, now))
		return r.settle(ent, fresh, SuspiciousBehavior, todo)
	}
	r.stats.Reported += n
	return r.settle(ent, fresh, refused, todo)
}

// settle applies the rules to an entry that has just grown, and emits it if it has changed enough.
func (r *Recorder) settle(ent *entry, fresh bool, refused Type, todo []response) []response {
	if fresh && ent.event.ID == "" {
		ent.event.ID = r.ids.next(ent.event.Time)
	}
	before := len(todo)
	todo = r.apply(ent, refused, todo)
	for _, old := range r.table.evicted {
		r.stats.Forgotten += uint64(old.event.Count)
		if old.emitted != old.event.Count {
			r.out.offer(old.event)
		}
	}
	r.table.evicted = nil
	if fresh || len(todo) > before || ent.crossed() {
		ent.emitted = ent.event.Count
		if !r.out.offer(ent.event) {
			ent.emitted = 0 // again at Close
		}
	}
	return todo
}

// flood is the event for all dropped events.
func flood(e Event, now time.Time) Event {
	return Event{
		Time: now, Type: SuspiciousBehavior, Severity: worse(High,
			e.Severity), Rule: "builtin:event-flood", Action: "dropped",
		Sandbox: e.Sandbox, Policy: e.Policy, PID: e.PID, Comm: e.Comm, Count: e.Count,
		Reason: "more kinds of events than the log takes: these were counted, not recorded",
		Hint:   "look at the events before this one: something tries many different things quickly",
	}
}

// apply runs the rules and returns the responses that are due; it changes the entry's event
// accordingly.
func (r *Recorder) apply(ent *entry, refused Type, todo []response) []response {
	for i, rule := range r.rules {
		if ent.matched(i) || !rule.matches(ent.event, refused) {
			continue
		}
		ent.setMatched(i)
		rule.mark(&ent.event)
		if rule.action == Alert && ent.dropped || rule.action != Alert && r.responded {
			continue
		}
		r.responded = r.responded || rule.action != Alert
		todo = append(todo, response{rule.action, ent.event})
	}
	return todo
}

// judge is the severity that the rules would give e. A kill is at least high.
func (r *Recorder) judge(e Event, refused Type) Severity {
	s := e.Severity
	for _, rule := range r.rules {
		if rule.matches(e, refused) {
			s = worse(s, rule.severity)
			if rule.action != Alert {
				s = worse(s, High)
			}
		}
	}
	return s
}

// Events returns what was recorded so far, folded, oldest first.
func (r *Recorder) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.table.events()
}

// Close writes the final counts, waits for the sinks until ctx ends, and returns the statistics. It
// closes the sinks of Config.Sinks. A second Close returns the same.
func (r *Recorder) Close(ctx context.Context) Stats {
	r.mu.Lock()
	if r.closed {
		defer r.mu.Unlock()
		return r.stats
	}
	r.closed = true
	last := r.table.unsaid()
	r.mu.Unlock()

	if r.cfg.Fanout == nil {
		r.out.finish(ctx, last)
	} else {
		r.out.flush(ctx, last)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.addTo(&r.stats)
	for _, rule := range r.rules {
		if rule.err != nil {
			r.stats.Warnings = append(r.stats.Warnings, rule.warning())
		}
	}
	return r.stats
}
