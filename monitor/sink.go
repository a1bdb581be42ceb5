package monitor

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/mcpbox/mcpbox/internal/plural"
)

// Sink receives events, one at a time, from one goroutine. Emit may block and may fail: the
// recorder does not wait for it, and counts lost events. Close may be called while Emit hangs, and
// should make it return.
type Sink interface {
	Emit(Event) error
	Close() error
}

const queueSize = 1024

// Fanout passes events to several sinks, each with its own queue. Recorders may share one.
type Fanout struct{ feeds []*feed }

// NewFanout returns a Fanout, which closes the sinks in Close.
func NewFanout(sinks ...Sink) *Fanout {
	f := &Fanout{}
	for _, s := range sinks {
		f.feeds = append(f.feeds, newFeed(s))
	}
	return f
}

// offer reports whether the queue of every sink accepted the event.
func (f *Fanout) offer(e Event) bool {
	all := true
	for _, feed := range f.feeds {
		all = feed.offer(e) && all
	}
	return all
}

// flush passes on the last events of a recorder. It waits until each sink has processed them, or
// ctx ends.
func (f *Fanout) flush(ctx context.Context, last []Event) {
	var wg sync.WaitGroup
	for _, feed := range f.feeds {
		wg.Go(func() { feed.flush(ctx, last) })
	}
	wg.Wait()
}

// Close waits for the sinks until ctx ends, and closes them. No recorder may use them any more.
func (f *Fanout) Close(ctx context.Context) { f.finish(ctx, nil) }

// finish flushes and closes all sinks concurrently.
func (f *Fanout) finish(ctx context.Context, last []Event) {
	var wg sync.WaitGroup
	for _, feed := range f.feeds {
		wg.Go(func() {
			feed.flush(ctx, last)
			feed.close(ctx)
		})
	}
	wg.Wait()
}

// addTo adds what the sinks have lost so far.
func (f *Fanout) addTo(s *Stats) {
	for _, feed := range f.feeds {
		s.LinesLost += feed.lost.Load()
		if w := feed.warning(); w != "" {
			s.Warnings = append(s.Warnings, w)
		}
	}
}

// item is an event, or a mark. The mark's channel is closed when the sink has processed all earlier
// events.
type item struct {
	event Event
	mark  chan struct{}
}

// feed is one sink with its queue.
type feed struct {
	sink  Sink
	queue chan item
	done  chan struct{} // closed when the sink has processed the last event
	lost  atomic.Uint64
	late  atomic.Bool // close has given up: queued events count as lost
	kept  atomic.Bool // close leaves the sink open
	mu    sync.Mutex
	err   error // the first failure
}

func newFeed(s Sink) *feed {
	f := &feed{sink: s, queue: make(chan item, queueSize), done: make(chan struct{})}
	go f.run()
	return f
}

func (f *feed) run() {
	defer close(f.done)
	for i := range f.queue {
		if i.mark != nil {
			close(i.mark)
			continue
		}
		if f.late.Load() {
			continue
		}
		if err := f.sink.Emit(i.event); err != nil && !f.late.Load() {
			f.fail(err)
			f.lost.Add(1)
		}
	}
}

// offer reports whether the queue accepted the event.
func (f *feed) offer(e Event) bool {
	if f.late.Load() {
		f.lost.Add(1)
		return false
	}
	select {
	case f.queue <- item{event: e}:
		return true
	default:
		f.lost.Add(1)
		f.fail(errSlow)
		return false
	}
}

// flush passes on the last events, and waits until the sink has processed them or ctx ends.
func (f *feed) flush(ctx context.Context, last []Event) {
	if f.late.Load() {
		f.lost.Add(uint64(len(last)))
		return
	}
	for i, e := range last {
		if !f.push(ctx, item{event: e}) {
			f.lost.Add(uint64(len(last) - i))
			f.fail(errSlow)
			return
		}
	}
	mark := make(chan struct{})
	if f.push(ctx, item{mark: mark}) {
		select {
		case <-mark:
			return
		case <-ctx.Done():
		}
	}
	f.giveUp()
}

// giveUp counts all events as lost that a hanging sink has not taken. Later calls do not wait for
// this sink.
func (f *feed) giveUp() {
	if f.late.Swap(true) {
		return
	}
	f.lost.Add(1) // the one that Emit has
	for _, waiting := range drain(f.queue) {
		if waiting.mark != nil {
			close(waiting.mark)
		} else {
			f.lost.Add(1)
		}
	}
	f.fail(errSlow)
}

func drain(queue chan item) (out []item) {
	for {
		select {
		case i, ok := <-queue:
			if !ok {
				return out
			}
			out = append(out, i)
		default:
			return out
		}
	}
}

// close waits for the sink until ctx ends, and closes it.
func (f *feed) close(ctx context.Context) {
	close(f.queue)
	if !f.late.Load() {
		select {
		case <-f.done:
		case <-ctx.Done():
			f.giveUp()
		}
	}
	if f.kept.Load() {
		return
	}
	if err := f.sink.Close(); err != nil {
		f.fail(err)
	}
}

// push waits for space until ctx ends. With space it ignores ctx.
func (f *feed) push(ctx context.Context, i item) bool {
	select {
	case f.queue <- i:
		return true
	default:
	}
	select {
	case f.queue <- i:
		return true
	case <-ctx.Done():
		return false
	}
}

func (f *feed) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

// warning returns one line about what went wrong, or "".
func (f *feed) warning() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		return ""
	}
	name := "events sink"
	if n, ok := f.sink.(fmt.Stringer); ok {
		name = n.String()
	}
	if n := f.lost.Load(); n > 0 {
		return text(fmt.Sprintf("%s: %s lost: %v", name, plural.Of(n, "line"), f.err), maxText)
	}
	return text(fmt.Sprintf("%s: %v", name, f.err), maxText)
}
