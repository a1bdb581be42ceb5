package server

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/server/api"
)

// Bounds of what a result keeps of stdout, and of stderr.
const (
	defaultOutput = 128 << 10
	maxOutput     = 8 << 20
)

// output keeps the beginning of what a program writes, and passes all of it on.
type output struct {
	mu    sync.Mutex
	kept  []byte
	most  int
	total int64
	kind  string
	also  *messages       // nil: nobody follows
	hold  <-chan struct{} // nothing is passed on before it is closed; nil: at once
	tails map[chan []byte]bool
}

func newOutput(kind string, most int, also *messages) *output {
	if most <= 0 {
		most = defaultOutput
	}
	return &output{most: min(most, maxOutput), kind: kind, also: also}
}

func (o *output) Write(p []byte) (int, error) {
	if o.hold != nil {
		<-o.hold
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.total += int64(len(p))
	o.kept = append(o.kept, p[:min(len(p), o.most-len(o.kept))]...)
	if o.also != nil {
		o.also.send(api.Chunk(o.kind, p))
	}
	for tail := range o.tails {
		select {
		case tail <- slices.Clone(p):
		default: // whoever reads a log does not hold up the program
			delete(o.tails, tail)
			close(tail)
		}
	}
	return len(p), nil
}

// tail returns what is kept so far, and what comes. The channel is closed by stop, or when its
// reader falls behind.
func (o *output) tail() (kept []byte, more <-chan []byte, stop func()) {
	const queue = 1024
	o.mu.Lock()
	defer o.mu.Unlock()
	c := make(chan []byte, queue)
	if o.tails == nil {
		o.tails = map[chan []byte]bool{}
	}
	o.tails[c] = true
	return slices.Clone(o.kept), c, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.tails[c] {
			delete(o.tails, c)
			close(c)
		}
	}
}

func (o *output) text() (string, int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.ToValidUTF8(string(o.kept), "\uFFFD"), o.total
}

// messages writes a stream. A client that does not read holds up the program, until its connection
// breaks.
type messages struct {
	mu   sync.Mutex
	w    io.Writer
	ctl  *http.ResponseController
	enc  *json.Encoder
	gone func() // called once when the client is gone
}

func newMessages(w http.ResponseWriter, gone func()) *messages {
	w.Header().Set("Content-Type", api.StreamType)
	w.Header().Set("X-Accel-Buffering", "no") // a proxy in between must not collect it
	w.WriteHeader(http.StatusOK)
	m := &messages{w: w, ctl: http.NewResponseController(w), enc: json.NewEncoder(w), gone: gone}
	m.enc.SetEscapeHTML(false)
	return m
}

func (m *messages) send(msg api.Message) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gone == nil {
		return
	}
	_ = m.ctl.SetWriteDeadline(time.Now().Add(clientTime))
	err := m.enc.Encode(msg)
	if err == nil {
		err = m.ctl.Flush()
	}
	if err != nil {
		m.gone()
		m.gone = nil
	}
}

// getLogs: GET /v1/executions/{id}/logs sends what is kept of its output, as messages. With
// ?follow=1, what it writes from now on, too, until it has ended.
func (d *daemon) getLogs(w http.ResponseWriter, r *http.Request) {
	run, x, err := d.find(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	out := newMessages(w, cancel)
	if run == nil {
		out.ended(x, true)
		return
	}
	out.logs(ctx, run, r.URL.Query().Get("follow") != "")
	select {
	case <-run.done:
		if _, x, err = d.find(r); err == nil {
			out.ended(x, false)
		}
	default: // only what there was so far, or the client has gone
	}
}

// logs sends what a run has written and, if asked to, what it writes until its end.
func (m *messages) logs(ctx context.Context, run *run, follow bool) {
	kept, stdout, stop := run.stdout.tail()
	defer stop()
	keptErr, stderr, stopErr := run.stderr.tail()
	defer stopErr()
	m.chunk(api.KindStdout, kept)
	m.chunk(api.KindStderr, keptErr)
	for follow {
		select {
		case p, open := <-stdout:
			if !open {
				return
			}
			m.chunk(api.KindStdout, p)
		case p, open := <-stderr:
			if !open {
				return
			}
			m.chunk(api.KindStderr, p)
		case <-run.done: // what is left in the queues comes before their end
			stop()
			stopErr()
			m.rest(api.KindStdout, stdout)
			m.rest(api.KindStderr, stderr)
			return
		case <-ctx.Done():
			return
		}
	}
}

func (m *messages) rest(kind string, queue <-chan []byte) {
	for p := range queue {
		m.chunk(kind, p)
	}
}

func (m *messages) chunk(kind string, p []byte) {
	if len(p) > 0 {
		m.send(api.Chunk(kind, p))
	}
}

// ended sends the last message; output: with what is kept of the output before it.
func (m *messages) ended(x *api.Execution, output bool) {
	if x.Problem != nil {
		m.send(api.Message{Kind: api.KindError, Problem: x.Problem})
		return
	}
	if x.Result == nil {
		return
	}
	last, result := *x, *x.Result
	if output {
		m.chunk(api.KindStdout, []byte(result.Stdout))
		m.chunk(api.KindStderr, []byte(result.Stderr))
	}
	result.Stdout, result.Stderr = "", "" // they have been sent
	last.Result = &result
	m.send(api.Message{Kind: api.KindResult, Execution: &last})
}
