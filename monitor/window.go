package monitor

import (
	"cmp"
	"fmt"
	"time"

	"github.com/mcpbox/mcpbox/internal/plural"
)

// span counts matches in a sliding time window. It stores at most count matches.
type span struct {
	count  int
	within time.Duration
	seen   []match
	sum    int // of seen
}

type match struct {
	at time.Time
	n  int
}

// add counts n matches, and reports whether there are count of them within the time. Then counting
// starts again.
func (s *span) add(now time.Time, n int) bool {
	s.seen = append(s.seen, match{now, n})
	s.sum += n
	for s.within > 0 && now.Sub(s.seen[0].at) > s.within {
		s.sum -= s.seen[0].n
		s.seen = s.seen[1:]
	}
	if s.sum < s.count {
		return false
	}
	s.seen, s.sum = nil, 0
	return true
}

// hold waits until a condition has been true for long enough. It reports this once. It reports
// again only after the condition was false.
type hold struct {
	long  time.Duration
	since time.Time // zero: the condition is false
	told  bool
}

func (h *hold) look(now time.Time, holds bool) bool {
	if !holds {
		h.since, h.told = time.Time{}, false
		return false
	}
	if h.since.IsZero() {
		h.since = now
	}
	if h.told || now.Sub(h.since) < h.long {
		return false
	}
	h.told = true
	return true
}

// NeedsUsage reports whether a rule is about usage. If so, the caller must call Usage from time to
// time.
func (r *Recorder) NeedsUsage() bool { return r.needs(aboutUsage) }

// NeedsFiles reports whether a rule is about files. If so, the caller must call File for each
// change.
func (r *Recorder) NeedsFiles() bool { return r.needs(aboutFiles) }

func (r *Recorder) needs(a about) bool {
	for _, rule := range r.rules {
		if rule.about == a {
			return true
		}
	}
	return false
}

// Usage applies the rules about usage.
func (r *Recorder) Usage(u Usage) {
	r.observe(func(now time.Time) (todo []response) {
		s := subject{Usage: u, Policy: r.cfg.Policy}
		for _, rule := range r.rules {
			if rule.about == aboutUsage && rule.hold.look(now, rule.holds(&s)) {
				todo = r.raise(rule, Event{Reason: rule.because("its condition about usage " +
					rule.howLong())}, now, todo)
			}
		}
		return todo
	})
}

func (r *rule) howLong() string {
	if r.hold.long == 0 {
		return "is true"
	}
	return "was true for " + r.hold.long.String()
}

// File applies the rules about files. Dangerous changes, and bursts of changes, are also events
// without a rule.
func (r *Recorder) File(f File) {
	r.observe(func(now time.Time) (todo []response) {
		for _, e := range r.behaviour.file(f, now) {
			todo = r.record(e, e.Type, now, todo)
		}
		s := subject{File: file(f), Policy: r.cfg.Policy}
		for _, rule := range r.rules {
			if rule.about != aboutFiles || !rule.holds(&s) || !rule.window.add(now, 1) {
				continue
			}
			e := Event{Reason: rule.because(f.Op + " " + f.Path)}
			if rule.window.count > 1 {
				e.Reason = rule.because(rule.howOften("change"))
			} else {
				e.File = &f
			}
			todo = r.raise(rule, e, now, todo)
		}
		return todo
	})
}

// observe runs look under the lock, and then performs the responses.
func (r *Recorder) observe(look func(now time.Time) []response) {
	r.mu.Lock()
	var todo []response
	if !r.closed {
		todo = look(r.cfg.Clock())
	}
	r.mu.Unlock()
	r.respond(todo)
}

// count passes an event to the rules that count events.
func (r *Recorder) count(e Event, refused Type, now time.Time, todo []response) []response {
	if r.closed {
		return todo
	}
	for _, rule := range r.rules {
		if rule.about != aboutEvents || !rule.own() || !rule.matches(e, refused) ||
			!rule.window.add(now, e.Count) {
			continue
		}
		todo = r.raise(rule, Event{PID: e.PID, Comm: e.Comm, Call: e.Call,
			Reason: rule.because(rule.howOften("event"))}, now, todo)
	}
	return todo
}

func (r *rule) howOften(what string) string {
	return plural.Of(r.window.count, what) + " within " + r.window.within.String()
}

func (r *rule) because(what string) string {
	if r.name == "" {
		return what
	}
	return fmt.Sprintf("%s: %s", r.name, what)
}

// raise records a rule's own event. There is only one entry for each rule, so it needs no token.
func (r *Recorder) raise(rule *rule, e Event, now time.Time, todo []response) []response {
	e.Type, e.Severity = SuspiciousBehavior, cmp.Or(rule.severity, Medium)
	e.Rule, e.Action, e.Count, e.Time = rule.id, string(rule.action), 1, now
	e.Sandbox, e.Policy = r.cfg.Sandbox, r.cfg.Policy
	e = Bound(e)
	r.stats.Seen++
	r.stats.Reported++
	ent, fresh := r.table.always(e)
	todo = r.settle(ent, e, fresh, e.Type, todo)
	if rule.action == Alert && !fresh || rule.action != Alert && r.responded {
		return todo
	}
	r.responded = r.responded || rule.action != Alert
	return append(todo, response{rule.action, ent.event})
}
