package proxy

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/mcp/pin"
)

// ListTools starts the server, lists its tools and ends it. The definitions can be approved or
// compared.
func ListTools(ctx context.Context, cfg Config) (*pin.File, error) {
	cfg.Client = Pipe{Writer: io.Discard}
	s := newSession(cfg)
	conn, err := s.start(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() {
		conn.srv.Stdin().Close()
		conn.srv.Signal(unix.SIGTERM)
		select {
		case <-conn.srv.Done():
		case <-time.After(termGrace):
		}
		_, _ = conn.end()
	}()
	a, err := conn.ask(ctx, "initialize",
		[]byte(`{"protocolVersion":"2025-11-25","capabilities":{},`+
			`"clientInfo":{"name":"mcpbox","version":"1"}}`))
	if err != nil {
		return nil, err
	}
	if err := conn.in.Send([]byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}` +
		"\n")); err != nil {
		return nil, err
	}
	var hello struct {
		ServerInfo   struct{ Name, Version string }
		Instructions string
	}
	_ = json.Unmarshal(a.env.Raw(a.data, wire.FieldResult), &hello)
	tools, err := conn.listTools(ctx, nil)
	if err != nil {
		return nil, err
	}
	p := &pin.File{Server: hello.ServerInfo.Name, Version: hello.ServerInfo.Version,
		Instructions: &hello.Instructions,
		Time:         time.Now().UTC().Truncate(time.Second), Tools: map[string]*pin.Tool{}}
	for _, raw := range tools {
		name, ok := toolName(raw)
		pin, err := pin.NewTool(raw)
		if !ok || err != nil {
			return nil, fmt.Errorf("tools/list: a tool has no name, or a duplicate member: %s",
				safetext.Clean(string(raw), 80))
		}
		if p.Tools[name] != nil {
			return nil, fmt.Errorf("tools/list: two tools are named %q", name)
		}
		p.Tools[name] = pin
	}
	return p, nil
}
