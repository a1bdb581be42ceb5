package monitor

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxEntries  = 1024 // distinct events kept, and tokens at the start
	reserved    = 256  // tokens that only high and critical events may take
	maxVariants = 64   // different arguments of one syscall
)

// entry is one folded event.
type entry struct {
	event   Event
	key     string
	kind    string // the key without arguments
	emitted int    // the count in the last line
	rules   []bool // which rules matched already
	dropped bool   // not kept in the log; the rules still see it
}

func (e *entry) matched(i int) bool { return i < len(e.rules) && e.rules[i] }

func (e *entry) setMatched(i int) {
	for len(e.rules) <= i {
		e.rules = append(e.rules, false)
	}
	e.rules[i] = true
}

// crossed reports whether the count has reached a power of ten since the last line.
func (e *entry) crossed() bool {
	limit := 10
	for limit <= e.emitted {
		limit *= 10
	}
	return e.event.Count >= limit
}

// table folds events. A new event takes a token. When the first maxEntries tokens are used up, the
// log grows by at most one line a second. A new entry replaces the oldest of the least severe ones.
type table struct {
	byKey    map[string]*entry
	order    []*entry
	variants map[string]int
	tokens   int
	refilled time.Time
	evicted  []*entry // removed to make room; the recorder writes their final count
}

func newTable() table {
	return table{byKey: map[string]*entry{}, variants: map[string]int{}, tokens: maxEntries}
}

// fold adds e to its entry, or makes one. Events that match different rules have different entries.
// It returns nil if there is no token for an event of this severity.
func (t *table) fold(e Event, met string, worth Severity,
	now time.Time) (ent *entry, fresh bool) {
	kind, key := keysOf(e)
	kind, key = kind+met, key+met
	if ent := t.byKey[key]; ent != nil {
		return t.add(ent, e), false
	}
	if t.variants[kind] >= maxVariants {
		key = kind
		if ent := t.byKey[key]; ent != nil {
			return t.add(ent, e), false
		}
		e.Reason = text(cmp.Or(e.Reason,
			"refused by the sandbox")+" (calls with other arguments count here)", maxText)
	}
	if !t.spend(worth, now) {
		return nil, false
	}
	return t.insert(e, key, kind), true
}

// always folds e without a token.
func (t *table) always(e Event) (ent *entry, fresh bool) {
	key, _ := keysOf(e)
	if ent := t.byKey[key]; ent != nil {
		return t.add(ent, e), false
	}
	return t.insert(e, key, key), true
}

func (t *table) add(ent *entry, e Event) *entry {
	ent.event.Count += e.Count
	ent.event.Severity = Worse(ent.event.Severity, e.Severity)
	if ent.event.Limit != nil && e.Limit != nil && e.Limit.Observed > ent.event.Limit.Observed {
		l := *ent.event.Limit // events that were already passed on must not change
		l.Observed = e.Limit.Observed
		ent.event.Limit = &l
	}
	return ent
}

func (t *table) insert(e Event, key, kind string) *entry {
	if len(t.order) > maxEntries {
		t.evict()
	}
	ent := &entry{event: e, key: key, kind: kind}
	t.byKey[key] = ent
	t.order = append(t.order, ent)
	t.variants[kind]++
	return ent
}

func (t *table) spend(s Severity, now time.Time) bool {
	if t.refilled.IsZero() {
		t.refilled = now
	}
	if n := int(now.Sub(t.refilled) / time.Second); n > 0 {
		t.tokens = min(t.tokens+n, maxEntries)
		t.refilled = now
	}
	floor := reserved
	if s.AtLeast(High) {
		floor = 0
	}
	if t.tokens <= floor {
		return false
	}
	t.tokens--
	return true
}

func (t *table) evict() {
	victim := slices.MinFunc(t.order, func(a, b *entry) int { // the first of equals: the oldest
		return cmp.Compare(a.event.Severity.rank(), b.event.Severity.rank())
	})
	t.evicted = append(t.evicted, victim)
	t.order = slices.DeleteFunc(t.order, func(e *entry) bool { return e == victim })
	delete(t.byKey, victim.key)
	if t.variants[victim.kind]--; t.variants[victim.kind] <= 0 {
		delete(t.variants, victim.kind)
	}
}

func (t *table) events() []Event {
	out := make([]Event, len(t.order))
	for i, ent := range t.order {
		out[i] = ent.event
	}
	return out
}

// unsaid returns the events whose last written line has an old count.
func (t *table) unsaid() (out []Event) {
	for _, ent := range t.order {
		if ent.emitted != ent.event.Count {
			out = append(out, ent.event)
		}
	}
	return out
}

// keysOf returns the keys that identify equal events, without and with the arguments. Of the
// arguments it uses names, flags and paths, but not numbers and addresses.
func keysOf(e Event) (kind, key string) {
	var b strings.Builder
	b.Grow(128)
	put := func(parts ...string) {
		for _, p := range parts {
			b.WriteString(p)
			b.WriteByte(0)
		}
	}
	put(string(e.Type), e.Rule)
	if e.Syscall != nil {
		put(e.Syscall.Name, e.Syscall.Arch)
	} else {
		if e.Rule == "builtin:uncovered" {
			put(e.Reason) // which path it was
		}
		put("", e.Action) // without a call or a limit, the action distinguishes events
	}
	if e.Limit != nil {
		put(e.Limit.Name)
	}
	if e.Call != nil {
		put(e.Call.Server, e.Call.Request, e.Call.Tool)
	}
	n := b.Len()
	if e.Network != nil {
		put(e.Network.Name, e.Network.Address, strconv.Itoa(e.Network.Port), e.Network.SNI)
	}
	if e.File != nil {
		put(e.File.Op, e.File.Path, e.File.Kind)
	}
	if e.Syscall != nil {
		for _, a := range e.Syscall.Args {
			if number(a) {
				a = "#"
			}
			put(a)
		}
		put("")
		put(e.Syscall.Paths...)
	}
	return b.String()[:n], b.String()
}

func number(s string) bool {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "0x")
	for i := range len(s) {
		if c := s[i] | 0x20; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return s != ""
}
