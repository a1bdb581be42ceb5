package server

import (
	"context"
	"net/http"

	"github.com/mcpbox/mcpbox/server/api"
)

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
