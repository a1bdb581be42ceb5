package mcpserver

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpbox/mcpbox/code"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

// Input is what a call is made with.
type Input struct {
	Language string   `json:"language" jsonschema:"the language: python, node, bash, …"`
	Code     string   `json:"code" jsonschema:"the program; it runs as a script file does"`
	Args     []string `json:"args,omitempty" jsonschema:"arguments of the program"`
	Stdin    string   `json:"stdin,omitempty" jsonschema:"standard input of the program"`
	Files    []File   `json:"files,omitempty" jsonschema:"files that the program finds in /work"`
	Session  string   `json:"session,omitempty" jsonschema:"a name: calls with the same one share variables, files and processes (python, node, bash); without it, nothing is kept"`
}

// File is a file for the program.
type File struct {
	Name   string `json:"name" jsonschema:"its path below /work"`
	Text   string `json:"text,omitempty" jsonschema:"its content"`
	Base64 string `json:"base64,omitempty" jsonschema:"its content if that is not text"`
}

func (s *Server) handler(policy *policies.Policy) mcp.ToolHandlerFor[Input, Output] {
	return func(ctx context.Context, req *mcp.CallToolRequest, in Input) (*mcp.CallToolResult,
		Output, error) {
		request, err := in.request()
		if err != nil {
			return nil, Output{}, withHint(err)
		}
		p := startProgress(ctx, req)
		defer p.stop()
		request.Progress = p.stage
		p.stage("waiting")
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
		case <-ctx.Done():
			return nil, Output{}, ctx.Err()
		}
		run := s.cfg.Run
		if run == nil {
			run = s.runner(caller(req))
		}
		res, err := run(ctx, policy, request)
		if err != nil {
			return nil, Output{}, withHint(err)
		}
		if s.cfg.Done != nil {
			s.cfg.Done(res, request, req.Params.Name)
		}
		s.kept.add(res)
		out := output(res)
		return &mcp.CallToolResult{Content: content(res, &out), IsError: !res.Success}, out, nil
	}
}

func (s *Server) runner(caller string) func(context.Context, *policies.Policy,
	*code.Request) (*code.Result, error) {
	return func(ctx context.Context, policy *policies.Policy,
		req *code.Request) (*code.Result, error) {
		return code.Runner{Policy: policy, BestEffort: s.cfg.BestEffort, Secrets: s.cfg.Secrets,
			Unavailable: s.cfg.Unavailable, Pool: s.cfg.Pool, Caller: caller}.Run(ctx, *req)
	}
}

// caller is whose sessions a call can name: those of its own connection.
func caller(req *mcp.CallToolRequest) string {
	if req.Session == nil {
		return ""
	}
	return req.Session.ID()
}

// withHint puts the remedy into the one text that the client sees.
func withHint(err error) error {
	if h := hint.Of(err); h != "" {
		return fmt.Errorf("%w (%s)", err, h)
	}
	return err
}

func (in *Input) request() (*code.Request, error) {
	r := &code.Request{Language: in.Language, Code: []byte(in.Code), Args: in.Args,
		Session: in.Session}
	if in.Stdin != "" {
		r.Stdin = strings.NewReader(in.Stdin)
	}
	for _, f := range in.Files {
		data := []byte(f.Text)
		if f.Base64 != "" {
			var err error
			if data, err = base64.StdEncoding.DecodeString(f.Base64); err != nil {
				return nil, fmt.Errorf("file %q: its base64 can't be decoded", f.Name)
			}
		}
		r.Files = append(r.Files, code.File{Name: f.Name, Data: data})
	}
	return r, nil
}

// progress tells the client, if it wants to know, how far a call is, and every two seconds that it
// still runs.
type progress struct {
	notify func(message string, n float64)
	mu     sync.Mutex
	n      float64
	now    string
	done   chan struct{}
}

func startProgress(ctx context.Context, req *mcp.CallToolRequest) *progress {
	p := &progress{done: make(chan struct{})}
	token := req.Params.GetProgressToken()
	if token == nil {
		return p
	}
	p.notify = func(message string, n float64) {
		_ = req.Session.NotifyProgress(ctx,
			&mcp.ProgressNotificationParams{ProgressToken: token, Message: message, Progress: n})
	}
	go p.tick(time.Now())
	return p
}

func (p *progress) tick(began time.Time) {
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-ticker.C:
			p.mu.Lock()
			p.n++
			p.notify(fmt.Sprintf("%s, %d s", p.now, int(time.Since(began).Seconds())), p.n)
			p.mu.Unlock()
		}
	}
}

func (p *progress) stage(name string) {
	if p.notify == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	p.now = name
	p.notify(name, p.n)
}

func (p *progress) stop() { close(p.done) }
