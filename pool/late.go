package pool

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/runtime"
)

// late is a stream of a program that waits for its call. It has its other end from give on.
type late struct {
	ready chan struct{} // closed by the byte that is expected
	given chan struct{}
	once  sync.Once

	expected bool
	byte1    byte
	from     io.Reader
	to       io.Writer
}

func newLate() *late { return &late{ready: make(chan struct{}), given: make(chan struct{})} }

// expect makes the stream's first byte a sign, which is not passed on.
func (l *late) expect(b byte) { l.expected, l.byte1 = true, b }

// give connects the stream, once. Nil is nothing to read, or nobody who listens.
func (l *late) give(from io.Reader, to io.Writer) {
	l.once.Do(func() {
		l.from, l.to = from, to
		close(l.given)
	})
}

func (l *late) Read(p []byte) (int, error) {
	<-l.given
	if l.from == nil {
		return 0, io.EOF
	}
	return l.from.Read(p)
}

func (l *late) Write(p []byte) (int, error) {
	n := len(p)
	if l.expected && n > 0 && p[0] == l.byte1 {
		l.expected = false
		close(l.ready)
		if p = p[1:]; len(p) == 0 {
			return n, nil
		}
	}
	<-l.given // what a program says before its call waits in the pipe
	if l.to == nil {
		return n, nil
	}
	m, err := l.to.Write(p)
	return n - len(p) + m, err
}

func inputOf(call Call) io.Reader {
	if call.Command.Stdin == nil {
		return bytes.NewReader(call.Input)
	}
	return io.MultiReader(bytes.NewReader(call.Input), call.Command.Stdin)
}

// keptEvents is how many events of a start are kept for the call.
const keptEvents = 64

var errManyEvents = errors.New("too many events before the call")

// lateSink keeps the events of a program's start for its call's sinks.
type lateSink struct {
	call   atomic.Pointer[func() *monitor.Call]
	origin atomic.Pointer[func() monitor.Origin]

	mu    sync.Mutex
	kept  []monitor.Event
	given bool
	to    []monitor.Sink
}

// give says where the events go. What was kept goes there with the next one, or at the end.
func (l *lateSink) give(cmd runtime.Command) {
	if cmd.Call != nil {
		l.call.Store(&cmd.Call)
	}
	if cmd.Origin != nil {
		l.origin.Store(&cmd.Origin)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.given, l.to = true, cmd.Sinks
}

// inFlight is Command.Call.
func (l *lateSink) inFlight() *monitor.Call {
	if call := l.call.Load(); call != nil {
		return (*call)()
	}
	return nil
}

// whose is Command.Origin.
func (l *lateSink) whose() monitor.Origin {
	if origin := l.origin.Load(); origin != nil {
		return (*origin)()
	}
	return monitor.Origin{}
}

// keep returns the events to pass on now, and the sinks that get them.
func (l *lateSink) keep(events ...monitor.Event) ([]monitor.Event, []monitor.Sink, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.given {
		out := append(l.kept, events...)
		l.kept = nil
		return out, l.to, nil
	}
	if len(l.kept) >= keptEvents {
		return nil, nil, errManyEvents
	}
	l.kept = append(l.kept, events...)
	return nil, nil, nil
}

// Emit implements monitor.Sink.
func (l *lateSink) Emit(e monitor.Event) error {
	events, to, err := l.keep(e)
	return errors.Join(err, pass(events, to))
}

func pass(events []monitor.Event, to []monitor.Sink) error {
	var errs []error
	for _, e := range events {
		for _, s := range to {
			errs = append(errs, s.Emit(e))
		}
	}
	return errors.Join(errs...)
}

// Close implements monitor.Sink.
func (l *lateSink) Close() error {
	events, to, err := l.keep()
	errs := []error{err, pass(events, to)}
	for _, s := range to {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
