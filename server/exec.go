package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
	"github.com/mcpbox/mcpbox/server/api"
)

// command is one that runs in a sandbox.
type command struct {
	req            api.ExecRequest
	stdin          io.Reader
	stdout, stderr *output
	started        func(*mcpruntime.Process)
}

// exec: POST /v1/sandboxes/{id}/exec
//
//	→ {"command": ["sh"], "mode": "stream"}
//	→ {"kind": "stdin", "text": "echo hello\n"}   ← {"kind": "stdout", "text": "hello\n"}
//	→ {"kind": "eof"}                             ← {"kind": "result", "result": {…}}
func (d *daemon) exec(w http.ResponseWriter, r *http.Request) {
	b, err := d.box(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	ctl := http.NewResponseController(w)
	_ = ctl.EnableFullDuplex() // HTTP/2 is so anyway
	first := &bodyReader{r: r.Body, share: shareOf(r), ctl: ctl, began: time.Now()}
	bounded := &boundedReader{r: first, left: maxBody}
	in := json.NewDecoder(bounded)
	in.DisallowUnknownFields()
	c := &command{}
	err = in.Decode(&c.req)
	bounded.r = r.Body // later messages come when they come
	_ = ctl.SetReadDeadline(time.Time{})
	if err != nil {
		err = bodyError(err)
	} else {
		err = checkExec(&c.req)
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	if c.req.Mode == api.Stream {
		d.execStream(w, r, b, c, in, bounded)
		return
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		d.fail(
			w,
			r,
			newProblem(http.StatusBadRequest, "set mode to stream",
				"messages come after the request, but it is no stream"),
		)
		return
	}
	c.stdin = strings.NewReader(c.req.Stdin)
	if c.req.StdinData != nil {
		c.stdin = strings.NewReader(string(c.req.StdinData))
	}
	c.stdout, c.stderr = newOutput(api.KindStdout, c.req.MaxOutput, nil), newOutput(
		api.KindStderr,
		c.req.MaxOutput,
		nil,
	)
	result, err := d.runIn(r.Context(), b, c)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, result)
}

// maxMessage bounds a message after the first.
const maxMessage = 4 << 20

// boundedReader bounds a message of a stream, not the stream: whoever reads grants more for the
// next one.
type boundedReader struct {
	r    io.Reader
	left int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, &http.MaxBytesError{Limit: maxBody}
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

func checkExec(req *api.ExecRequest) error {
	switch {
	case len(req.Command) == 0:
		return newProblem(
			http.StatusUnprocessableEntity,
			`{"command": ["echo", "hello"]}`,
			"no command",
		)
	case req.Mode != "" && req.Mode != api.Sync && req.Mode != api.Stream:
		return newProblem(http.StatusUnprocessableEntity, "use sync or stream",
			"this mode is not known here")
	case req.Timeout < 0 || req.Timeout > 1e6 || math.IsNaN(req.Timeout):
		return newProblem(http.StatusUnprocessableEntity, "give seconds",
			"timeout: that is no time")
	}
	if req.TTY && req.Mode != api.Stream {
		return newProblem(http.StatusUnprocessableEntity, "set mode to stream",
			"a terminal needs a stream")
	}
	return checkCommand(req.Command, req.Env, req.Dir)
}

// mayRun bounds the commands of a sandbox that run at the same time.
func (d *daemon) mayRun(b *box) error {
	const most = 64
	d.mu.Lock()
	defer d.mu.Unlock()
	if b.busy < most {
		b.busy++
		return nil
	}
	p := newProblem(http.StatusTooManyRequests, "wait for one of them, or create another sandbox",
		"as many commands run in the sandbox as may")
	p.RetryAfter = 1
	return p
}

// runIn runs a command in a sandbox.
func (d *daemon) runIn(ctx context.Context, b *box, c *command) (*api.Result, error) {
	if t := c.req.Timeout; t > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, time.Duration(t*float64(time.Second)))
		defer stop()
	}
	if err := d.mayRun(b); err != nil {
		return nil, err
	}
	defer func() {
		d.mu.Lock()
		b.busy--
		d.mu.Unlock()
	}()
	// In quarantine the program is kept, even if the client goes away.
	alive, end := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if !d.isKept(b) {
			end(context.Cause(ctx))
		}
	})
	p, err := b.sandbox.Start(
		alive,
		mcpruntime.Command{Args: c.req.Command, Env: environment(c.req.Env), Dir: c.req.Dir,
			Stdin: c.stdin, Stdout: c.stdout, Stderr: c.stderr,
			TTY: c.req.TTY, Rows: c.req.Rows, Cols: c.req.Cols,
			Origin: func() monitor.Origin { return b.of }},
	)
	if err != nil {
		stop()
		end(nil)
		return nil, err
	}
	d.mu.Lock()
	b.running[p] = true
	b.info.Used = time.Now().UTC()
	kept := b.kept
	d.mu.Unlock()
	if c.started != nil {
		c.started(p)
	}
	ended := make(chan *mcpruntime.Result, 1)
	go func() {
		defer end(nil)
		result, _ := p.Wait()
		stop()
		d.mu.Lock()
		delete(b.running, p)
		b.info.Used = time.Now().UTC()
		d.mu.Unlock()
		ended <- result
	}()
	select {
	case result := <-ended:
		return resultOf(result, c.stdout, c.stderr), nil
	case <-kept:
		return nil, errKept(b.info.ID)
	}
}

// execStream carries stdin and signals in, and output out, over one connection.
func (d *daemon) execStream(
	w http.ResponseWriter,
	r *http.Request,
	b *box,
	c *command,
	in *json.Decoder,
	bounded *boundedReader,
) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	stop := context.AfterFunc(d.base, func() { cancel(errShutdown) })
	defer stop()
	out := newMessages(w, func() { cancel(errCanceled) })
	c.stdout, c.stderr = newOutput(api.KindStdout, 1, out), newOutput(api.KindStderr, 1, out)
	stdin, feed := io.Pipe()
	c.stdin = stdin
	process := make(chan *mcpruntime.Process, 1)
	begun := make(chan struct{})
	begin := sync.OnceFunc(func() { close(begun) })
	defer begin()
	c.stdout.hold, c.stderr.hold = begun, begun
	c.started = func(p *mcpruntime.Process) {
		out.send(api.Message{Kind: api.KindStarted})
		begin()
		process <- p
	}
	go func() {
		err := takeMessages(ctx, in, bounded, feed, process)
		if err != nil {
			cancel(err)
		}
	}()
	result, err := d.runIn(ctx, b, c)
	_ = stdin.Close() // what still comes is not wanted
	if err != nil {
		out.send(api.Message{Kind: api.KindError, Problem: d.problemOf(err)})
		return
	}
	result.Stdout, result.Stderr = "", "" // they have been sent
	out.send(api.Message{Kind: api.KindResult, Result: result})
	_ = http.NewResponseController(w).
		SetReadDeadline(time.Now())
	// the client need not end its side
}

// takeMessages reads what the client sends after its request. The end of the body is the end of
// stdin.
func takeMessages(
	ctx context.Context,
	in *json.Decoder,
	bounded *boundedReader,
	feed *io.PipeWriter,
	started <-chan *mcpruntime.Process,
) error {
	var p *mcpruntime.Process
	for {
		bounded.left = maxMessage
		var msg api.Message
		if err := in.Decode(&msg); errors.Is(err, io.EOF) {
			return feed.Close()
		} else if err != nil {
			feed.Close()
			return bodyError(err)
		}
		switch msg.Kind {
		case api.KindStdin:
			_, _ = feed.Write(msg.Bytes()) // a program that reads no more is no error
		case api.KindEOF:
			feed.Close()
		case api.KindSignal, api.KindResize:
			if p == nil {
				select {
				case p = <-started:
				case <-ctx.Done():
					return nil
				}
			}
			if err := control(p, msg); err != nil {
				return err
			}
		default:
			return newProblem(http.StatusUnprocessableEntity, "send stdin, eof, signal or resize",
				"the kind of the message is not known")
		}
	}
}

// control sends a signal, or the size of the client's window.
func control(p *mcpruntime.Process, msg api.Message) error {
	if msg.Kind == api.KindResize {
		_ = p.Resize(msg.Rows, msg.Cols) // without a terminal there is no window
		return nil
	}
	sig := unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(msg.Signal), "SIG"))
	if sig == 0 {
		return newProblem(http.StatusUnprocessableEntity, "use a name such as TERM",
			"the signal is not known")
	}
	_ = p.Signal(sig) // it may have ended
	return nil
}

// maxFile bounds a file that goes in or out.
const maxFile = 16 << 20

// filePath checks ?path=.
func filePath(r *http.Request) (string, error) {
	p := r.URL.Query().Get("path")
	if problem, remedy := policies.CheckTarget(p); problem != "" {
		return "", newProblem(http.StatusUnprocessableEntity, remedy, "?path=: "+problem)
	}
	return p, nil
}

// Files go in and out by a program inside: paths mean what they mean to the sandbox, whatever links
// lie there, and its policy and limits apply.

// getFile: GET /v1/sandboxes/{id}/files?path=/work/a.txt
func (d *daemon) getFile(w http.ResponseWriter, r *http.Request) {
	path, err := filePath(r)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	out := newOutput(api.KindStdout, maxOutput, nil)
	out.most = maxFile + 1
	if !d.file(
		w,
		r,
		&command{
			req:    api.ExecRequest{Command: []string{"cat", "--", path}},
			stdin:  strings.NewReader(""),
			stdout: out,
		},
	) {
		return
	}
	if out.total > maxFile {
		d.fail(
			w,
			r,
			newProblem(http.StatusRequestEntityTooLarge, "take it in parts, with exec",
				"the file is larger than 16 MiB"),
		)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	send(w, http.StatusOK, out.kept)
}

// putFile: PUT /v1/sandboxes/{id}/files?path=/work/a.txt
func (d *daemon) putFile(w http.ResponseWriter, r *http.Request) {
	path, err := filePath(r)
	if err == nil && r.ContentLength > maxFile {
		err = newProblem(http.StatusRequestEntityTooLarge, "send it in parts, with exec",
			"the file is larger than 16 MiB")
	}
	var data []byte
	if err == nil {
		data, err = d.body(w, r, maxFile)
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	const script = `mkdir -p -- "${1%/*}/" && exec cat > "$1"`
	if d.file(
		w,
		r,
		&command{
			req:    api.ExecRequest{Command: []string{"sh", "-c", script, "sh", path}},
			stdin:  strings.NewReader(string(data)),
			stdout: newOutput(api.KindStdout, 0, nil),
		},
	) {
		w.WriteHeader(http.StatusNoContent)
	}
}

// file runs the program that carries a file, and says what it says if it fails.
func (d *daemon) file(w http.ResponseWriter, r *http.Request, c *command) bool {
	c.stderr, c.req.Timeout = newOutput(api.KindStderr, 1024, nil), 30
	b, err := d.box(r)
	var result *api.Result
	if err == nil {
		result, err = d.runIn(r.Context(), b, c)
	}
	if err == nil && !result.Success {
		said := strings.TrimSpace(result.Stderr)
		if said == "" {
			said = result.Status
		}
		status := http.StatusUnprocessableEntity
		if strings.Contains(said, "No such file") {
			status = http.StatusNotFound
		}
		err = newProblem(status, "look with exec what is there", said)
	}
	if err != nil {
		d.fail(w, r, err)
	}
	return err == nil
}
