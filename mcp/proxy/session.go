package proxy

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/audit"
	"github.com/mcpbox/mcpbox/mcp/internal/mark"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
	"github.com/mcpbox/mcpbox/mcp/launch"
	"github.com/mcpbox/mcpbox/mcp/pin"
	"github.com/mcpbox/mcpbox/policies"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// DefaultMaxMessage is the default of Config.MaxMessage, in bytes.
const DefaultMaxMessage = 96 << 20

// DefaultDrainTimeout is the default of Config.DrainTimeout.
const DefaultDrainTimeout = 2 * time.Minute

// Pipe is the client's side: messages from it are read from Reader, messages to it are written to
// Writer.
type Pipe struct {
	Reader io.Reader
	Writer io.Writer
}

// Config is what Serve needs.
type Config struct {
	Client     Pipe
	ClientGone <-chan struct{} // closed when nobody reads Writer any more; may be nil
	Launch     launch.Func
	Server     string // the server's name in events, records and tags
	Policy     string // the policy's name in events and records
	Command    []string
	Version    string // of the package that mcpbox installed; "": what the server says it is
	Rules      policies.MCP
	Allow      access.Allowlist // must allow as well; nil: only the policy counts
	Grant      []string         // what the agent may use; nil: everything
	Pins       *pin.File        // approved definitions; may be nil
	Audit      audit.Log        // may be nil
	Warn       func(format string, args ...any)
	MaxMessage int  // bytes that are held of one message; 0: DefaultMaxMessage
	Isolate    bool // start a new server for every tools/call

	// DrainTimeout is how long to wait for calls in flight after the client has stopped writing but
	// still reads. A script that feeds a session through a pipe does that. So does a client that
	// gives up on a hanging server. 0: DefaultDrainTimeout.
	DrainTimeout time.Duration
}

// Outcome says how a session ended.
type Outcome struct {
	Result     *mcpruntime.Result // of the server
	Terminated bool               // mcpbox told the server to end: its exit code says nothing
	Answered   bool               // the server has answered the client's first request
}

// session is one client's session with one server, including restarts of the server.
type session struct {
	cfg    Config
	policy *access.Set  // the rules of the policy
	rules  access.Rules // all rules that must allow: the policy and the allowlist
	client *wire.MessageWriter
	tools  *toolCatalog
	modern atomic.Bool // protocol 2026-07-28 or later: no handshake, results have a type
	// some rule may refuse something, so messages that can't be parsed are not passed on
	constrain bool
	// strips texts of the server that are not marked; nil: nothing is stripped
	stripper *mark.Marker
	stream   bool // no rule needs a whole message

	unmeasured sync.Once // the warning that limits are not enforced
	readOnly   sync.Once // the hint for a server that writes where it can't

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
	// Config.Launch has checked those
	s.policy = access.Compile(&s.cfg.Rules, cfg.Grant).WithoutServerRules()
	s.rules = s.policy
	if cfg.Allow != nil {
		s.rules = access.All{s.policy, cfg.Allow}
	}
	s.constrain = s.policy.Restricts() || cfg.Allow != nil || cfg.Pins != nil ||
		len(cfg.Rules.Limits) > 0 ||
		cfg.Rules.EnforcesSchemas() || cfg.Rules.Pin.Refuses()
	s.tools = newToolCatalog(s)
	if m := mark.New(&s.cfg.Rules.Output, mark.Provenance{}); m != nil && m.Strips() {
		s.stripper = m
	}
	s.stream = s.stripper == nil && cfg.Rules.Output.Marking() == policies.MCPMarkNone &&
		cfg.Rules.Output.MaxBytes == 0 && !s.constrain && !cfg.Isolate
	return s
}

// current returns the server that messages go to. During a restart it waits for the new server.
func (s *session) current() (conn *serverConn) {
	s.await(context.Background(), func(st *state) bool {
		conn = st.main
		return !st.replacing
	})
	return conn
}

// latest is like current, but does not wait.
func (s *session) latest() (conn *serverConn) {
	s.view(func(st *state) { conn = st.main })
	return conn
}

func (s *session) serverVersion() (version string) {
	if s.cfg.Version != "" {
		return s.cfg.Version // known before the server says anything
	}
	s.view(func(st *state) { version = st.version })
	return version
}

// record writes an audit record about a call.
func (s *session) record(conn *serverConn, c *call, r audit.Record) {
	if s.cfg.Audit == nil {
		return
	}
	r.Time = time.Now().UTC()
	r.Server, r.Version, r.Policy, r.Sandbox = s.cfg.Server, s.serverVersion(), s.cfg.Policy,
		conn.srv.Sandbox()
	if c != nil {
		r.Method, r.Request, r.Tool, r.BytesIn = c.method, c.id.String(), c.name, c.bytesIn
		r.Arguments, r.Cut = c.args, c.cut
	}
	if err := s.cfg.Audit.Append(r); err != nil {
		s.cfg.Warn("audit: %v", err)
	}
}

// item describes an item of this server to the rules.
func (s *session) item(k access.Kind, name string) access.Item {
	return access.Item{Server: s.cfg.Server, Version: s.serverVersion(), Kind: k, Name: name}
}
