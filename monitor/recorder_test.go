package monitor_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// memory is a sink that keeps all events.
type memory struct {
	mu    sync.Mutex
	lines []monitor.Event
	done  func() // called at Close
}

func (m *memory) Emit(e monitor.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = append(m.lines, e)
	return nil
}

func (m *memory) Close() error {
	if m.done != nil {
		m.done()
	}
	return nil
}

// clock stands still until the test moves it.
type clock struct{ t time.Time }

func (c *clock) now() time.Time          { return c.t }
func (c *clock) advance(d time.Duration) { c.t = c.t.Add(d) }

func newClock() *clock { return &clock{time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)} }

func recorder(t *testing.T, cfg monitor.Config) (*monitor.Recorder, *memory) {
	t.Helper()
	sink := &memory{}
	cfg.Sandbox, cfg.Policy, cfg.Sinks = "k3v9", "standard", append(cfg.Sinks, sink)
	rec, err := monitor.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return rec, sink
}

func find(events []monitor.Event, rule string) (out []monitor.Event) {
	for _, e := range events {
		if e.Rule == rule {
			out = append(out, e)
		}
	}
	return out
}

func TestRecordFillsEmptyFields(t *testing.T) {
	c := newClock()
	rec, _ := recorder(t, monitor.Config{Clock: c.now})
	rec.Record(refused("ptrace", "PTRACE_ATTACH", "1"))
	e := rec.Events()[0]
	if !e.Time.Equal(c.t) || len(e.ID) != 26 || e.Sandbox != "k3v9" || e.Policy != "standard" ||
		e.Count != 1 {
		t.Errorf("got %+v", e)
	}
}

func TestIDsSortInTheOrderOfEvents(t *testing.T) {
	c := newClock()
	rec, _ := recorder(t, monitor.Config{Clock: c.now})
	for i := range 600 {
		if i == 300 {
			c.advance(-time.Hour) // the clock of the host is set back
		}
		rec.Record(refused(fmt.Sprintf("call_%d", i)))
	}
	var ids []string
	for _, e := range rec.Events() {
		ids = append(ids, e.ID)
	}
	if !slices.IsSorted(ids) || len(slices.Compact(ids)) < 600 {
		t.Errorf("%d ids, sorted: %v", len(ids), slices.IsSorted(ids))
	}
}

func TestRepeatsFoldAndTheLastLineHasTheTotal(t *testing.T) {
	rec, sink := recorder(t, monitor.Config{Clock: newClock().now})
	for i := range 1234 {
		e := refused("kill", fmt.Sprint(1000+i%2), "SIGKILL")
		e.PID = i
		rec.Record(e)
	}
	stats := rec.Close(context.Background())
	var counts []int
	ids := map[string]bool{}
	for _, e := range sink.lines {
		if e.Syscall != nil {
			counts, ids[e.ID] = append(counts, e.Count), true
		}
	}
	if want := []int{1, 10, 100, 1000, 1234}; !slices.Equal(counts, want) || len(ids) != 1 {
		t.Errorf("lines told counts %v under %d ids, want %v under one", counts, len(ids), want)
	}
	if stats.Seen != stats.Reported || stats.Dropped != 0 || len(stats.Warnings) != 0 {
		t.Errorf("stats %+v", stats)
	}
}

func TestEventsThatDifferInMoreThanNumbersAreNotFolded(t *testing.T) {
	rec, _ := recorder(t, monitor.Config{Clock: newClock().now})
	rec.Record(refused("socket", "AF_INET", "SOCK_STREAM", "0"))
	rec.Record(refused("socket", "AF_INET6", "SOCK_STREAM", "0"))
	rec.Record(refusedPath("chroot", "/a"))
	rec.Record(refusedPath("chroot", "/b"))
	inCall := refusedPath("chroot", "/b")
	inCall.Call = &monitor.Call{Server: "notes", Request: "7", Tool: "read_note"}
	rec.Record(inCall)
	if got := len(rec.Events()); got != 5 {
		t.Errorf("%d events, want 5", got)
	}
}

func TestAFloodOfDifferentEventsIsBoundedAndItsLossIsReported(t *testing.T) {
	const calls, variants = 200, 100
	rec, sink := recorder(t, monitor.Config{Clock: newClock().now})
	for c := range calls {
		for v := range variants {
			rec.Record(refusedPath(fmt.Sprintf("call_%d", c), fmt.Sprintf("/x/%d", v)))
		}
	}
	rec.Record(refused("open_by_handle_at", "3")) // hidden behind the noise
	stats := rec.Close(context.Background())

	events := rec.Events()
	if len(events) > 1100 || len(sink.lines) > 8*1100 {
		t.Errorf("%d events and %d lines kept", len(events), len(sink.lines))
	}
	if stats.Dropped == 0 || stats.Seen != stats.Reported+stats.Dropped ||
		stats.Seen < calls*variants+1 {
		t.Errorf("stats %+v", stats)
	}
	told := 0
	for _, e := range events {
		if e.Rule != "builtin:event-flood" {
			told += e.Count
		}
	}
	flood := find(events, "builtin:event-flood")
	if uint64(told) != stats.Reported || len(flood) != 1 ||
		uint64(flood[0].Count) != stats.Dropped {
		t.Errorf("events tell of %d (%d reported) and of the loss %v (%d dropped)", told,
			stats.Reported, flood, stats.Dropped)
	}
	if len(find(events, "builtin:file-handle")) != 1 {
		t.Error("the escape attempt drowned in the noise")
	}
}

func TestOneNoisySyscallLeavesRoomForTheOthers(t *testing.T) {
	rec, _ := recorder(t, monitor.Config{Clock: newClock().now})
	for i := range 5000 {
		rec.Record(refusedPath("chroot", fmt.Sprintf("/%d", i)))
	}
	rec.Record(refused("getpriority", "0"))
	if stats := rec.Close(context.Background()); stats.Dropped != 0 {
		t.Errorf("stats %+v", stats)
	}
	total := 0
	for _, e := range find(rec.Events(), "builtin:chroot") {
		total += e.Count
	}
	if total != 5000 {
		t.Errorf("the events tell of %d calls, want 5000", total)
	}
}

func TestALongSessionGoesOnLogging(t *testing.T) {
	c := newClock()
	rec, sink := recorder(t, monitor.Config{Clock: c.now})
	for i := range 3000 { // one refusal in each of many tool calls
		c.advance(2 * time.Second)
		e := refused("socket", "AF_INET", "SOCK_STREAM", "0")
		e.Call = &monitor.Call{Server: "s", Request: fmt.Sprint(i), Tool: "fetch"}
		rec.Record(e)
		for len(sink.snapshot()) <= i { // the sink keeps up
			time.Sleep(10 * time.Microsecond)
		}
	}
	stats := rec.Close(context.Background())
	kept := 0
	for _, e := range rec.Events() {
		kept += e.Count
	}
	if stats.Dropped != 0 || stats.LinesLost != 0 || kept > 1100 ||
		uint64(kept) != stats.Reported-stats.Forgotten {
		t.Errorf("stats %+v, %d events kept", stats, kept)
	}
}

func (m *memory) snapshot() []monitor.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lines
}

func TestBurstsScansAndStormsAreSuspicious(t *testing.T) {
	for _, c := range []struct {
		rule string
		do   func(record func(monitor.Event), c *clock)
	}{
		{"builtin:refusal-burst", func(record func(monitor.Event), c *clock) {
			for range 50 {
				record(refused("getpriority", "0"))
				c.advance(10 * time.Millisecond)
			}
		}},
		{"builtin:syscall-probing", func(record func(monitor.Event), c *clock) {
			for i := range 20 {
				record(refused(fmt.Sprintf("call_%d", i)))
				c.advance(time.Minute)
			}
		}},
		{"builtin:pid-scan", func(record func(monitor.Event), c *clock) {
			for i := range 20 {
				record(refused("kill", fmt.Sprint(i+1), "SIG_0"))
				c.advance(time.Minute)
			}
		}},
		{"builtin:pid-scan", func(record func(monitor.Event), c *clock) {
			for i := range 20 {
				record(refusedPath("openat", fmt.Sprintf("/proc/%d/cmdline", i+1)))
				c.advance(time.Minute)
			}
		}},
		{"builtin:fork-storm", func(record func(monitor.Event), c *clock) {
			for range 10 {
				record(monitor.Event{Limit: &monitor.Limit{Name: "pids", Value: 64, Observed: 64,
					Backend: "cgroup2"}})
				c.advance(time.Minute)
			}
		}},
		{"builtin:fork-storm", func(record func(monitor.Event), c *clock) {
			for range 20 {
				record(refused("fork"))
			}
		}},
	} {
		clk := newClock()
		rec, _ := recorder(t, monitor.Config{Clock: clk.now})
		c.do(rec.Record, clk)
		got := find(rec.Events(), c.rule)
		if len(got) != 1 || got[0].Type != monitor.SuspiciousBehavior || got[0].Reason == "" {
			t.Errorf("%s: got %+v", c.rule, got)
		}
	}
}

func TestSlowAndFewRefusalsAreNotSuspicious(t *testing.T) {
	c := newClock()
	rec, _ := recorder(t, monitor.Config{Clock: c.now})
	for i := range 500 {
		rec.Record(refused("kill", fmt.Sprint(i%19+1), "SIG_0"))
		c.advance(25 * time.Millisecond)
	}
	for _, e := range rec.Events() {
		if e.Type == monitor.SuspiciousBehavior {
			t.Errorf("got %+v", e)
		}
	}
}

func TestRecordIsSafeFromManyGoroutines(t *testing.T) {
	rec, _ := recorder(t, monitor.Config{Respond: func(monitor.Action, monitor.Event) {},
		Rules: []policies.Rule{{ID: "r", When: `count > 5`, Action: "kill"}}})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 500 {
				rec.Record(refused("call_"+strings.Repeat("x", i%7), fmt.Sprint(g)))
				if i%100 == 0 {
					rec.Events()
				}
			}
		})
	}
	wg.Wait()
	stats := rec.Close(context.Background())
	rec.Record(refused("late"))
	if stats.Seen != stats.Reported+stats.Dropped || stats.Seen < 4000 {
		t.Errorf("stats %+v", stats)
	}
}
