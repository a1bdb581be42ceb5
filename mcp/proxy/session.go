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
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// DefaultMaxMessage bounds a message that has to be looked at as a whole.
const DefaultMaxMessage = 96 << 20

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

	mu                 sync.Mutex
	main               *serverConn
	handshake          handshake
	version            string                    // serverInfo.version
	replacing          chan struct{}             // closed when a new server has taken the place of main; nil: main is it
	isolated           map[wire.ID]*serverConn   // the servers that live for one call
	cancelledEarly     map[wire.ID]bool          // cancelled while their servers start
	serverRequests     map[wire.ID]serverRequest // requests of theirs that the client has not answered yet
	serverRequestCount int
	ended              bool
	leaving            bool // the client says no more
	terminated         bool
	restarts           chan struct{} // a token for every end of a restart
}

// serverConn is one server process with its calls.
type serverConn struct {
	s          *session
	srv        launch.Server
	in         *wire.MessageWriter
	pending    *pendingCalls
	own        atomic.Uint64 // numbers the proxy's own requests
	drained    chan struct{} // closed when the server's stdout has come to its end
	violations protocolViolations
	onlyCall   *call // the call that an isolated server is for, or nil
}

func newSession(cfg Config) *session {
	if cfg.MaxMessage == 0 {
		cfg.MaxMessage = DefaultMaxMessage
	}
	if cfg.Warn == nil {
		cfg.Warn = func(string, ...any) {}
	}
	s := &session{cfg: cfg, client: wire.NewMessageWriter(cfg.Client.Writer), isolated: map[wire.ID]*serverConn{}, cancelledEarly: map[wire.ID]bool{}, serverRequests: map[wire.ID]serverRequest{}, restarts: make(chan struct{}, 1)}
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

// start launches a server and reads from it. only is the call that it is for, nil if it is for all.
func (s *session) start(ctx context.Context, only *call) (*serverConn, error) {
	conn := &serverConn{s: s, pending: newPendingCalls(s.cfg.Server, only), drained: make(chan struct{}), onlyCall: only}
	srv, err := s.cfg.Launch(ctx, conn.pending.current)
	if err != nil {
		return nil, err
	}
	conn.srv, conn.in = srv, wire.NewMessageWriter(srv.Stdin())
	go conn.readServer()
	return conn, nil
}

// current is the server that messages go to now. While it is being replaced, it waits for the new one.
func (s *session) current() *serverConn {
	for {
		s.mu.Lock()
		conn, wait := s.main, s.replacing
		s.mu.Unlock()
		if wait == nil {
			return conn
		}
		<-wait
	}
}

// peek is current without the waiting, and whether it is being replaced.
func (s *session) peek() (conn *serverConn, replacing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.main, s.replacing != nil
}

func (s *session) serverVersion() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}

// event records a security event of the proxy's own, about a call or about none.
func (conn *serverConn) event(e monitor.Event, c *call) {
	if c != nil {
		e.Call = &monitor.Call{Server: conn.s.cfg.Server, Request: c.id.String(), Tool: c.tool()}
	}
	conn.srv.Record(e)
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
