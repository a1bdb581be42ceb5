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

// Start starts the command, which must not have streams yet, and returns the names of the server's
// tools. The error contains the server's stderr, if there is any.
func Start(ctx context.Context, cmd *exec.Cmd) (tools []string, err error) {
	var stderr tail
	cmd.Stderr = &stderr
	client := mcp.NewClient(&mcp.Implementation{Name: "mcpbox", Version: "1"}, nil)
	transport := &mcp.CommandTransport{Command: cmd, TerminateDuration: 2 * time.Second}
	session, err := client.Connect(ctx, transport, &mcp.ClientSessionOptions{
		ProtocolVersion: protocol})
	if err != nil {
		if cmd.Process != nil {
			_ = cmd.Process.Kill() // this also ends mcpbox's sandbox
		}
		return nil, said(ctx, err, stderr.String())
	}
	defer session.Close()
	if c := session.InitializeResult().Capabilities; c == nil || c.Tools == nil {
		return nil, nil
	}
	for tool, err := range session.Tools(ctx, nil) {
		if err != nil {
			return nil, said(ctx, err, stderr.String())
		}
		tools = append(tools, tool.Name)
	}
	return tools, nil
}

// said returns the error in the server's or mcpbox's own words.
func said(ctx context.Context, err error, stderr string) error {
	var last, fault, mine, remedy string
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		own, ok := strings.CutPrefix(line, "mcpbox: ")
		switch {
		case line == "" || ok && (strings.HasPrefix(own, "not enforced") ||
			strings.HasPrefix(own, "event:")):
		case ok && strings.HasPrefix(own, "hint: "):
			if remedy == "" {
				remedy = strings.TrimPrefix(own, "hint: ")
			}
		case ok:
			if mine == "" {
				mine = own
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
