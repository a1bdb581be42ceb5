package mcpserver

import (
	"context"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpbox/mcpbox/code"
	"github.com/mcpbox/mcpbox/egress/secret"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

// Config is what a server needs. Standard and Secure are required.
type Config struct {
	Standard, Secure *policies.Policy
	BestEffort       bool
	Pool             *code.Pool // nil: a sandbox for each call
	Version          string
	Token            string // over HTTP: what Authorization: Bearer must say; "" is no check
	AtOnce           int    // calls that run at the same time, the others wait; 0 is 4

	Secrets map[string]secret.Source // as code.Runner's

	// Run, if not nil, runs a call's snippet, for a program that admits and records calls itself.
	Run func(context.Context, *policies.Policy, *code.Request) (*code.Result, error)

	Unavailable func(context.Context) string // as code.Runner's
	Done        func(res *code.Result, req *code.Request,
		tool string) // after every call, such as to record it
}

// Server is an MCP server that runs code.
type Server struct {
	cfg   Config
	mcp   *mcp.Server
	slots chan struct{}
	kept  kept
}

const instructions = "Runs code in a sandbox: no files of the host, limits of time and memory, " +
	"and the network that each tool's description names. " +
	"run_code may start programs and write files; secure_sandbox is for code that nobody has " +
	"read: one interpreter, 5 seconds, " +
	"and code that a static guard finds dangerous is refused. Nothing is kept between calls: " +
	"each has a fresh /work and /tmp; " +
	"only calls of run_code that name a session share one. " +
	"What a program writes to /work/out comes back as resources."

const noNetwork = "no network"

// networkOf says what code can reach under a policy.
func networkOf(p *policies.Policy) string {
	switch p.Network.Mode {
	case policies.NetworkHost:
		return "the host's network"
	case policies.NetworkAllow:
		var hosts []string
		for _, r := range p.Network.Allow {
			hosts = append(hosts, r.Host)
		}
		return "a network that reaches only " + strings.Join(hosts, " and ")
	}
	return noNetwork
}

// New makes a server.
func New(cfg Config) *Server {
	if cfg.AtOnce <= 0 {
		cfg.AtOnce = 4
	}
	s := &Server{cfg: cfg, slots: make(chan struct{}, cfg.AtOnce)}
	s.mcp = mcp.NewServer(
		&mcp.Implementation{Name: "mcpbox", Title: "mcpbox code sandbox", Version: cfg.Version},
		&mcp.ServerOptions{Instructions: instructions})
	annotations := func(p *policies.Policy) *mcp.ToolAnnotations {
		closed, open := false, networkOf(p) != noNetwork
		return &mcp.ToolAnnotations{
			DestructiveHint: &closed,
			OpenWorldHint:   &open,
			IdempotentHint:  true,
		}
	}
	languages := "Languages: " + strings.Join(code.Names(), ", ") + "."
	mcp.AddTool(s.mcp, &mcp.Tool{
		Name:        "run_code",
		Title:       "Run code",
		Annotations: annotations(cfg.Standard),
		Description: "Run a program in a sandbox (256 MiB, half a CPU, 10 seconds, " +
			networkOf(cfg.Standard) + ") " +
			"and return its output, exit code and files. " +
			"It may start programs and write files in /work and /tmp. " + languages,
	}, s.handler(cfg.Standard))
	mcp.AddTool(
		s.mcp,
		&mcp.Tool{
			Name:        "secure_sandbox",
			Title:       "Run untrusted code",
			Annotations: annotations(cfg.Secure),
			Description: "Run code that nobody has read in a stricter sandbox (128 MiB, half a " +
				"CPU, 5 seconds, " + networkOf(cfg.Secure) + ", no other programs). " +
				"Code that imports or calls what can reach outside is refused before it runs. " +
				"" + languages,
		},
		s.handler(cfg.Secure),
	)
	s.mcp.AddResourceTemplate(
		&mcp.ResourceTemplate{Name: "output file", URITemplate: uriPrefix + "{execution}/{+name}",
			Description: "A file that a program left in /work/out"},
		s.read,
	)
	return s
}

// Run serves standard input and output until the client closes them. It answers the calls in flight
// before it returns.
func (s *Server) Run(ctx context.Context) error {
	err := s.mcp.Run(ctx, draining{&mcp.StdioTransport{}})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// Connect serves one session on a transport.
func (s *Server) Connect(ctx context.Context, t mcp.Transport) (*mcp.ServerSession, error) {
	return s.mcp.Connect(ctx, t, nil)
}

// Listen serves streamable HTTP at /mcp until ctx ends.
func (s *Server) Listen(ctx context.Context, l net.Listener) error {
	if a, ok := l.Addr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
		return hint.Errorf("listen on 127.0.0.1 or ::1",
			"%s is not a loopback address: whoever reaches it could run code", l.Addr())
	}
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s.mcp },
		&mcp.StreamableHTTPOptions{SessionTimeout: time.Hour})
	mux := http.NewServeMux()
	mux.Handle("/mcp", http.NewCrossOriginProtection().Handler(s.authorized(handler)))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *Server) authorized(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if s.cfg.Token != "" &&
			subtle.ConstantTimeCompare([]byte(given), []byte(s.cfg.Token)) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "a token is needed", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
