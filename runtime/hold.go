package runtime

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
)

// waiting is the state of a program that waits for its calls.
type waiting struct {
	sync.Mutex
	now    bool // it waits for Begin
	over   bool // its end has been seen
	calls  int
	before time.Duration  // CPU time that it had used when its call came
	events map[string]int // how often each had been seen by then
}

// Begin says that the call of a program has come that was started with Command.Hold: its time and
// its usage count from now, and it is killed when ctx ends. args are the command that the result
// names. ErrClosed: it has ended already.
func (p *Process) Begin(ctx context.Context, args []string) error {
	w := &p.waiting
	w.Lock()
	defer w.Unlock()
	switch {
	case w.over:
		return ErrClosed
	case !w.now:
		return hint.Errorf("Command.Hold makes it wait", "the program has begun")
	}
	w.now = false
	w.calls++
	p.unwatch()
	p.cmd.Args, p.began = args, time.Now()
	w.before = p.child.countFromNow()
	if w.calls > 1 { // what came of the start is the first call's
		p.reached.Reset()
		w.events = map[string]int{}
		for _, e := range p.recorder.Events() {
			w.events[e.ID] = e.Count
		}
	}
	p.setTimer()
	p.unwatch = context.AfterFunc(ctx, func() { p.cancel(context.Cause(ctx)) })
	return nil
}

// Yield says that the call that Begin began is over, and that the program waits for the next one:
// until ctx ends. exitCode is what the program says of itself. The result is about the call alone;
// Wait's is about the last one. ErrClosed: the program has ended.
func (p *Process) Yield(ctx context.Context, exitCode int) (*Result, error) {
	w := &p.waiting
	w.Lock()
	defer w.Unlock()
	switch {
	case w.over:
		return nil, ErrClosed
	case w.now:
		return nil, hint.Errorf("call Begin before", "the program waits already")
	}
	w.now = true
	p.stopTimer()
	p.unwatch()
	p.unwatch = context.AfterFunc(ctx, func() { p.cancel(context.Cause(ctx)) })
	res := p.describe(time.Since(p.began))
	res.ExecutionID += "." + strconv.Itoa(w.calls)
	res.use(p.child.usage(), nil, 0, int64(p.box.policy().Limits.Memory))
	res.Status, res.Success, res.ExitCode = StatusOK, exitCode == 0, exitCode
	if exitCode != 0 {
		res.Status = StatusFailed
	}
	p.lostLayers(res)
	res.Events = []monitor.Event{}
	for _, e := range p.recorder.Events() {
		if e.Count -= w.events[e.ID]; e.Count > 0 {
			res.Events = append(res.Events, e)
			res.EventStats.Seen += uint64(e.Count)
			res.EventStats.Reported += uint64(e.Count)
		}
	}
	return res, nil
}
