package mcp

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

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
	Launch     Launch
	Server     string // the name it goes by in events, records and tags
	Policy     string // likewise
	Command    []string
	Rules      policies.MCP
	Allow      Allowlist // beside the policy's: both must allow; may be nil
	Grant      []string  // capabilities of the agent; nil: all of them
	Pins       *Pins     // approved definitions; may be nil
	Audit      Auditor   // may be nil
	Warn       func(format string, args ...any)
	MaxMessage int  // 0: DefaultMaxMessage
	Isolate    bool // a fresh server for every tools/call
}

// Outcome is how a session ended.
type Outcome struct {
	Result    *mcpruntime.Result // of the server
	Dismissed bool               // it was told to end: how it did is of no interest
}

// session is one client talking to one server, through all restarts of it.
type session struct {
	cfg    Config
	rules  *rules
	client *outlet
	tools  *catalog
	modern atomic.Bool // protocol 2026-07-28 or later: no handshake, results have a type
	stream bool        // no rule needs a message as a whole

	unmeasured sync.Once // said that limits are not enforced

	mu             sync.Mutex
	main           *link
	handshake      handshake
	version        string // serverInfo.version
	introducedOnce bool
	unfit          string           // why the server must not be used, or ""
	replacing      chan struct{}    // closed when a new server has taken the place of main; nil: main is it
	isolated       map[id]*link     // the servers that live for one call
	withdrawn      map[id]bool      // cancelled while their servers start
	asked          map[id]foreignID // requests of theirs that the client has not answered yet
	asks           int
	ended          bool
	leaving        bool // the client says no more
	dismissed      bool
	restarts       chan struct{} // a token for every end of a restart
}

// link is one server process with its calls.
type link struct {
	s      *session
	srv    Instance
	in     *outlet
	flight *flight
	own    atomic.Uint64 // numbers the proxy's own requests
	read   chan struct{} // closed when the server's stdout has come to its end
	junk   junk
	only   *call // the call that an isolated server is for, or nil
}

func newSession(cfg Config) *session {
	if cfg.MaxMessage == 0 {
		cfg.MaxMessage = DefaultMaxMessage
	}
	if cfg.Warn == nil {
		cfg.Warn = func(string, ...any) {}
	}
	s := &session{cfg: cfg, client: &outlet{w: cfg.Client.Writer}, isolated: map[id]*link{}, withdrawn: map[id]bool{}, asked: map[id]foreignID{}, restarts: make(chan struct{}, 1)}
	s.rules = newRules(&s.cfg)
	s.tools = newCatalog(s)
	s.stream = cfg.Rules.Output.Marking() == policies.MCPMarkNone && cfg.Rules.Output.MaxBytes == 0 && !s.rules.constrain && !cfg.Isolate
	return s
}

// start launches a server and reads from it. only is the call that it is for, nil if it is for all.
func (s *session) start(ctx context.Context, only *call) (*link, error) {
	l := &link{s: s, flight: newFlight(s.cfg.Server, only), read: make(chan struct{}), only: only}
	srv, err := s.cfg.Launch(ctx, l.flight.now)
	if err != nil {
		return nil, err
	}
	l.srv, l.in = srv, &outlet{w: srv.Stdin()}
	go l.down()
	return l, nil
}

// current is the server that messages go to now. While it is being replaced, it waits for the new one.
func (s *session) current() *link {
	for {
		s.mu.Lock()
		l, wait := s.main, s.replacing
		s.mu.Unlock()
		if wait == nil {
			return l
		}
		<-wait
	}
}

// peek is current without the waiting, and whether it is being replaced.
func (s *session) peek() (l *link, replacing bool) {
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
func (l *link) event(e monitor.Event, c *call) {
	if c != nil {
		e.Call = &monitor.Call{Server: l.s.cfg.Server, Request: c.id.String(), Tool: c.tool()}
	}
	l.srv.Record(e)
}

// record writes an audit record about a call.
func (s *session) record(l *link, c *call, r Record) {
	if s.cfg.Audit == nil {
		return
	}
	r.Time = time.Now().UTC()
	r.Server, r.Version, r.Policy, r.Sandbox = s.cfg.Server, s.serverVersion(), s.cfg.Policy, l.srv.Sandbox()
	if c != nil {
		r.Method, r.Request, r.Tool, r.BytesIn = c.method, c.id.String(), c.name, c.bytesIn
		r.Arguments, r.Cut = c.args, c.cut
		if len(c.args) > maxAudited {
			r.Arguments, r.Cut = nil, true
		}
	}
	if err := s.cfg.Audit.Append(r); err != nil {
		s.cfg.Warn("audit: %v", err)
	}
}
