package monitor

import (
	"cmp"
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/policies"
)

// Config is what a Recorder needs to know about its sandbox.
type Config struct {
	Sandbox, Policy string
	Origin          func() Origin // for rules; nil: nobody's. It must not block
	Sinks           []Sink        // the recorder closes them
	// besides Sinks; shared with other recorders, and not closed by Close; may be nil
	Fanout *Fanout
	Rules  []policies.Rule
	// Respond performs the action of a rule. It is called in the goroutine that called Record,
	// without a lock: for alert once per event and rule, for kill and quarantine once per run. If
	// it is nil, nothing is done.
	Respond func(Action, Event)
	Clock   func() time.Time // nil: time.Now
}

// Origin names who asked for a program: a client of the daemon, and the caller that it names.
type Origin struct{ Client, Caller string }

// Stats counts events, including repeats: Seen = Reported + Dropped.
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
	own   *Fanout // of Sinks

	mu        sync.Mutex
	ids       ids
	table     table
	behaviour behaviour
	stats     Stats
	responded bool // kill or quarantine was asked for
	closed    bool
}

// New compiles the rules. An error names the rule and the position, and has a hint. If New fails,
// it closes the sinks.
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
	for _, rule := range rules {
		rule.origin = cfg.Origin
	}
	r := &Recorder{cfg: cfg, rules: rules, table: newTable(), own: NewFanout(cfg.Sinks...)}
	if r.cfg.Fanout == nil {
		r.cfg.Fanout = &Fanout{}
	}
	return r, nil
}

// response is an action to perform after the lock is released.
type response struct {
	action Action
	event  Event
}

// Record classes an event, applies the rules to the unchanged event, folds it, and passes it, cut
// and escaped, to the sinks. It never waits for a sink and never fails. After Close it only counts.
func (r *Recorder) Record(e Event) {
	r.mu.Lock()
	now := r.cfg.Clock()
	refused := cmp.Or(e.Type, SyscallBlocked) // before detection, for the rules
	e.Count = max(e.Count, 1)
	e = Classify(e)
	e.Policy = cmp.Or(e.Policy, r.cfg.Policy)
	todo := r.count(e, refused, now, r.record(e, refused, now, nil))
	for _, s := range r.behaviour.observe(e, now) {
		todo = r.count(s, s.Type, now, r.record(s, s.Type, now, todo))
	}
	r.mu.Unlock()
	r.respond(todo)
}

func (r *Recorder) respond(todo []response) {
	if r.cfg.Respond == nil {
		return
	}
	for _, t := range todo {
		r.cfg.Respond(t.action, t.event)
	}
}

func (r *Recorder) record(e Event, refused Type, now time.Time, todo []response) []response {
	raw := e // the rules see the uncut text
	e = Bound(e)
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
	// An event that a rule matches is not folded into one that the rule does not match. The rule
	// may depend on a number among the arguments, or on the name of the process.
	met, worth := r.meet(raw, refused)
	ent, fresh := r.table.fold(e, met, e.Severity, now)
	if ent == nil { // a rule may raise its severity, so that it gets a reserved token
		ent, fresh = r.table.fold(e, met, worth, now)
	}
	if ent == nil {
		r.stats.Dropped += n
		todo = r.apply(&entry{event: e, dropped: true}, raw, refused, todo)
		f := flood(e, now)
		ent, fresh = r.table.always(f)
		return r.settle(ent, f, fresh, SuspiciousBehavior, todo)
	}
	r.stats.Reported += n
	return r.settle(ent, raw, fresh, refused, todo)
}

// settle applies the rules to an entry with a new event, and emits the entry if it has changed
// enough.
func (r *Recorder) settle(ent *entry, raw Event, fresh bool, refused Type,
	todo []response) []response {
	if fresh && ent.event.ID == "" {
		ent.event.ID = r.ids.next(ent.event.Time)
	}
	before := len(todo)
	todo = r.apply(ent, raw, refused, todo)
	for _, old := range r.table.evicted {
		r.stats.Forgotten += uint64(old.event.Count)
		if old.emitted != old.event.Count {
			r.offer(old.event)
		}
	}
	r.table.evicted = nil
	if fresh || len(todo) > before || ent.crossed() {
		ent.emitted = ent.event.Count
		if !r.offer(ent.event) {
			ent.emitted = 0 // again at Close
		}
	}
	return todo
}

// flood returns the one event that stands for all dropped events.
func flood(e Event, now time.Time) Event {
	return Event{
		Time: now, Type: SuspiciousBehavior, Severity: Worse(High,
			e.Severity), Rule: "builtin:event-flood", Action: "dropped",
		Sandbox: e.Sandbox, Policy: e.Policy, PID: e.PID, Comm: e.Comm, Count: e.Count,
		Reason: "more kinds of events than the log takes: these were counted, not recorded",
		Hint:   "look at the events before this one: something tries many different things quickly",
	}
}

// apply runs the rules over raw, the new event in ent, with the count and the severity of the whole
// entry. It changes the entry's event, and returns the responses that are due.
func (r *Recorder) apply(ent *entry, raw Event, refused Type, todo []response) []response {
	raw.Count, raw.Severity = ent.event.Count, Worse(raw.Severity, ent.event.Severity)
	raw.Rule, raw.Action = ent.event.Rule, ent.event.Action
	for i, rule := range r.rules {
		if rule.own() || ent.matched(i) || !rule.matches(raw, refused) {
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

// meet returns which rules match the single event, as a part of its key, and the severity that
// these rules give it. With a kill it is at least high.
func (r *Recorder) meet(raw Event, refused Type) (met string, worth Severity) {
	worth = raw.Severity
	for i, rule := range r.rules {
		if rule.own() || !rule.matches(raw, refused) {
			continue
		}
		met += strconv.Itoa(i) + ","
		worth = Worse(worth, rule.severity)
		if rule.action != Alert {
			worth = Worse(worth, High)
		}
	}
	return met, worth
}

// offer reports whether the queues of all sinks took the event.
func (r *Recorder) offer(e Event) bool {
	own := r.own.offer(e)
	return r.cfg.Fanout.offer(e) && own
}

// Events returns the folded events so far, oldest first.
func (r *Recorder) Events() []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.table.events()
}

// Detach is like Close, but leaves the sinks open for the caller.
func (r *Recorder) Detach(ctx context.Context) {
	for _, f := range r.own.feeds {
		f.kept.Store(true)
	}
	r.Close(ctx)
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

	var both sync.WaitGroup
	both.Go(func() { r.own.finish(ctx, last) })
	r.cfg.Fanout.flush(ctx, last)
	both.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own.addTo(&r.stats)
	r.cfg.Fanout.addTo(&r.stats)
	for _, rule := range r.rules {
		if rule.err != nil {
			r.stats.Warnings = append(r.stats.Warnings, rule.warning())
		}
	}
	return r.stats
}
