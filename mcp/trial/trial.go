package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// protocol is the newest version that begins with initialize. Every server knows it.
const protocol = "2025-11-25"

// Server is a server that has answered and was ended.
type Server struct {
	Tools []string // their names
	// Remarks are mcpbox's own lines on stderr, each with its hint: about a package that is
	// quarantined, about attempts to reach a network. Empty if the command is not mcpbox.
	Remarks []string
}

// Failure is why a server did not list its tools, in its own or mcpbox's words.
type Failure struct {
	error
	Stderr string // the end of what it wrote there
}

// Unwrap returns the error with its hint.
func (f *Failure) Unwrap() error { return f.error }

// Start starts the command, which must not have streams yet, and asks the server for its tools. An
// error is a *Failure.
func Start(ctx context.Context, cmd *exec.Cmd) (*Server, error) {
	var stderr tail
	tools, err := list(ctx, cmd, &stderr)
	if err != nil {
		return nil, &Failure{said(ctx, err, stderr.String()), stderr.String()}
	}
	return &Server{Tools: tools, Remarks: remarks(stderr.String())}, nil
}

func list(ctx context.Context, cmd *exec.Cmd, stderr *tail) (tools []string, err error) {
	cmd.Stderr = stderr
	client := mcp.NewClient(&mcp.Implementation{Name: "mcpbox", Version: "1"}, nil)
	transport := &mcp.CommandTransport{Command: cmd, TerminateDuration: 2 * time.Second}
	session, err := client.Connect(ctx, transport, &mcp.ClientSessionOptions{
		ProtocolVersion: protocol})
	if err != nil {
		if cmd.Process != nil {
			_ = cmd.Process.Kill() // this also ends mcpbox's sandbox
		}
		return nil, err
	}
	defer session.Close()
	if c := session.InitializeResult().Capabilities; c == nil || c.Tools == nil {
		return nil, nil
	}
	for tool, err := range session.Tools(ctx, nil) {
		if err != nil {
			return nil, err
		}
		tools = append(tools, tool.Name)
	}
	return tools, nil
}

// own returns a line of mcpbox that is about this server and not about the host.
func own(line string) (text string, ok bool) {
	text, ok = strings.CutPrefix(strings.TrimSpace(line), "mcpbox: ")
	return text, ok && !strings.HasPrefix(text, "not enforced") &&
		!strings.HasPrefix(text, "event:")
}

func remarks(stderr string) (out []string) {
	for line := range strings.Lines(stderr) {
		text, ok := own(line)
		if !ok || strings.HasPrefix(text, "installing ") || strings.HasPrefix(text, "looking at ") {
			continue // the host's, or progress
		}
		if h, isHint := strings.CutPrefix(text, "hint: "); isHint && len(out) > 0 {
			out[len(out)-1] += " (hint: " + h + ")"
			continue
		}
		out = append(out, text)
	}
	return out
}

// said returns the error in the server's or mcpbox's own words.
func said(ctx context.Context, err error, stderr string) error {
	var last, fault, mine, remedy string
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		text, ok := own(line)
		switch {
		case line == "" || !ok && strings.HasPrefix(line, "mcpbox: "):
		case ok && strings.HasPrefix(text, "hint: "):
			if remedy == "" {
				remedy = strings.TrimPrefix(text, "hint: ")
			}
		case ok:
			if mine == "" {
				mine = text
			}
		default:
			last = line
			if fault == "" && strings.Contains(strings.ToLower(line), "error") {
				fault = line
			}
		}
	}
	text := mine
	for _, other := range []string{fault, last} {
		if text == "" {
			text = other
		}
	}
	switch {
	case text != "":
		err = errors.New(text)
	case ctx.Err() != nil:
		err = errors.New("it did not answer in time")
	default:
		err = fmt.Errorf("it ended without an answer: %w", err)
	}
	return hint.Wrap(err, remedy)
}

// tail keeps the end of the written text.
type tail struct {
	mu   sync.Mutex
	data []byte
}

const tailSize = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if over := len(t.data) - tailSize; over > 0 {
		t.data = bytes.Clone(t.data[over:])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.data)
}
