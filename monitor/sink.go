package monitor

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/mcpbox/mcpbox/internal/plural"
)

// Sink receives events, one at a time, from one goroutine. Emit may block and may fail: the recorder does not wait
// for it and counts what is lost. Close may be called while Emit hangs, and should make it return.
type Sink interface {
	Emit(Event) error
	Close() error
}

const queueSize = 1024

// feed is one sink with its queue.
type feed struct {
	sink  Sink
	queue chan Event
	done  chan struct{} // closed when the sink has seen the last event
	lost  atomic.Uint64
	late  atomic.Bool // close gave up: what is still queued has been counted as lost
	mu    sync.Mutex
	err   error // the first failure
}

func newFeed(s Sink) *feed {
	f := &feed{sink: s, queue: make(chan Event, queueSize), done: make(chan struct{})}
	go f.run()
	return f
}

func (f *feed) run() {
	defer close(f.done)
	for e := range f.queue {
		if f.late.Load() {
			continue
		}
		if err := f.sink.Emit(e); err != nil && !f.late.Load() {
			f.fail(err)
			f.lost.Add(1)
		}
	}
}

// offer reports whether the queue took the event.
func (f *feed) offer(e Event) bool {
	select {
	case f.queue <- e:
		return true
	default:
		f.lost.Add(1)
		f.fail(errSlow)
		return false
	}
}

// close hands over the last events, waits for the sink until ctx ends, and closes it.
func (f *feed) close(ctx context.Context, last []Event) {
	for i, e := range last {
		if !f.push(ctx, e) {
			f.lost.Add(uint64(len(last) - i))
			f.fail(errSlow)
			break
		}
	}
	close(f.queue)
	select {
	case <-f.done:
	case <-ctx.Done():
		f.late.Store(true)
		f.lost.Add(uint64(len(f.queue)) + 1) // queued, and the one in hand
		f.fail(errSlow)
	}
	if err := f.sink.Close(); err != nil {
		f.fail(err)
	}
}

// push waits for room until ctx ends; with room it does not look at ctx.
func (f *feed) push(ctx context.Context, e Event) bool {
	select {
	case f.queue <- e:
		return true
	default:
	}
	select {
	case f.queue <- e:
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

// warning says in one line what went wrong, or "".
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
