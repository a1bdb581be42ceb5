package proxy

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/mcp/launch"
	"github.com/mcpbox/mcpbox/mcp/pin"
	"github.com/mcpbox/mcpbox/policies"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// DefaultMaxMessage bounds a message that has to be looked at as a whole.
const DefaultMaxMessage = 96 << 20

// DefaultDrainTimeout is the default of Config.DrainTimeout.
const DefaultDrainTimeout = 2 * time.Minute

// Pipe is the client's side: Reader is where its messages come from, Writer where they go to.
type Pipe struct {
	Reader io.Reader
	Writer io.Writer
}

// Config is what Serve needs.
type Config struct {
	Client     Pipe
	ClientGone <-chan struct{} // closed when nobody reads Writer any more; may be nil
	Launch     launch.Func
	Server     string // the name it goes by in events, records and tags
	Policy     string // likewise
	Command    []string
	Rules      policies.MCP
	Allow      access.Allowlist // beside the policy's: both must allow; may be nil
	Grant      []string         // capabilities of the agent; nil: all of them
	Pins       *pin.File        // approved definitions; may be nil
	Audit      audit.Log        // may be nil
	Warn       func(format string, args ...any)
	MaxMessage int  // 0: DefaultMaxMessage
	Isolate    bool // a fresh server for every tools/call

	// DrainTimeout is how long calls in flight are waited for when the client has closed its side and is
	// still there: a script that feeds a session by a pipe does so, and so does a client that leaves a
	// server which hangs. 0: DefaultDrainTimeout.
	DrainTimeout time.Duration
}

// Outcome is how a session ended.
type Outcome struct {
	Result     *mcpruntime.Result // of the server
	Terminated bool               // it was told to end: how it did is of no interest
}

// session is one client talking to one server, through all restarts of it.
type session struct {
	cfg       Config
	policy    *access.Set  // the rules of the policy
	rules     access.Rules // all that must allow: the policy, and the allowlist beside it
	client    *wire.MessageWriter
	tools     *toolCatalog
	modern    atomic.Bool // protocol 2026-07-28 or later: no handshake, results have a type
	constrain bool        // something may be refused: what can not be read is not passed on
	stream    bool        // no rule needs a message as a whole

	unmeasured sync.Once // said that limits are not enforced

	stateBox
}

func newSession(cfg Config) *session {
	if cfg.MaxMessage == 0 {
		cfg.MaxMessage = DefaultMaxMessage
	}
	if cfg.Warn == nil {
		cfg.Warn = func(string, ...any) {}
	}
	if cfg.DrainTimeout == 0 {
		cfg.DrainTimeout = DefaultDrainTimeout
	}
	s := &session{cfg: cfg, client: wire.NewMessageWriter(cfg.Client.Writer)}
	s.state.isolated, s.state.requests = map[wire.ID]*isolatedCall{}, map[wire.ID]serverRequest{}
	s.policy = access.Compile(&s.cfg.Rules, cfg.Grant).WithoutServerRules() // whoever launches has asked those
	s.rules = s.policy
	if cfg.Allow != nil {
		s.rules = access.All{s.policy, cfg.Allow}
	}
	s.constrain = s.policy.Restricts() || cfg.Allow != nil || cfg.Pins != nil || len(cfg.Rules.Limits) > 0 ||
		cfg.Rules.EnforcesSchemas() || cfg.Rules.Pin.Refuses()
	s.tools = newToolCatalog(s)
	s.stream = cfg.Rules.Output.Marking() == policies.MCPMarkNone && cfg.Rules.Output.MaxBytes == 0 && !s.constrain && !cfg.Isolate
	return s
}

// current is the server that messages go to now. While it is being replaced, it waits for the new one.
func (s *session) current() (conn *serverConn) {
	s.await(context.Background(), func(st *state) bool {
		conn = st.main
		return !st.replacing
	})
	return conn
}

// latest is current without the waiting.
func (s *session) latest() (conn *serverConn) {
	s.view(func(st *state) { conn = st.main })
	return conn
}

func (s *session) serverVersion() (version string) {
	s.view(func(st *state) { version = st.version })
	return version
}

// record writes an audit record about a call.
func (s *session) record(conn *serverConn, c *call, r audit.Record) {
	if s.cfg.Audit == nil {
		return
	}
	r.Time = time.Now().UTC()
	r.Server, r.Version, r.Policy, r.Sandbox = s.cfg.Server, s.serverVersion(), s.cfg.Policy, conn.srv.Sandbox()
	if c != nil {
		r.Method, r.Request, r.Tool, r.BytesIn = c.method, c.id.String(), c.name, c.bytesIn
		r.Arguments, r.Cut = c.args, c.cut
		if len(c.args) > audit.MaxArguments {
			r.Arguments, r.Cut = nil, true
		}
	}
	if err := s.cfg.Audit.Append(r); err != nil {
		s.cfg.Warn("audit: %v", err)
	}
}

// item names a thing of this server's.
func (s *session) item(k access.Kind, name string) access.Item {
	return access.Item{Server: s.cfg.Server, Version: s.serverVersion(), Kind: k, Name: name}
}
