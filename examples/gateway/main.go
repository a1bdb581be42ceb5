// Command gateway is an example: an HTTP gateway for agents whose tools and code run in mcpbox's
// sandboxes.
//
//	mcpbox serve --config serve.yaml &        # the gateway offers the servers in this file
//	go run ./examples/gateway -listen 127.0.0.1:8080
//	curl http://127.0.0.1:8080/tools
//	curl http://127.0.0.1:8080/call \
//		-d '{"server": "notes", "tool": "read_note", "arguments": {"name": "a"}}'
//	curl http://127.0.0.1:8080/code -d '{"language": "python", "code": "print(6*7)"}'
//
// It has no code about sandboxes: it asks the daemon, with package server/client. It serves
// everybody who can reach its address. A real gateway authenticates its callers and passes their
// names on.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"net/http"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/client"
)

// gateway has a session with each server that a caller has used.
type gateway struct {
	box      *client.Client
	mu       sync.Mutex
	sessions map[string]*mcp.ClientSession
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "the gateway's own address")
	socket := flag.String("socket", "", "the daemon's socket (default: the usual one)")
	flag.Parse()
	box, err := client.Dial(*socket)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(*listen, newGateway(box)))
}

func newGateway(box *client.Client) http.Handler {
	g := &gateway{box: box, sessions: map[string]*mcp.ClientSession{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /tools", handle(g.tools))
	mux.HandleFunc("POST /call", handle(g.call))
	mux.HandleFunc("POST /code", handle(g.code))
	return mux
}

// handle decodes a request and answers with the result, or with the daemon's error.
func handle[In, Out any](f func(context.Context, In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if r.Method == http.MethodPost {
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).
				Decode(&in); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		}
		out, err := f(r.Context(), in)
		if err != nil {
			status := http.StatusBadGateway
			var p *api.Problem
			if errors.As(err, &p) {
				status = p.Status
			}
			http.Error(w, err.Error(), status)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // fails only if the caller is gone
	}
}

// session returns the session with a server. It opens one if there is none, or if it has ended.
func (g *gateway) session(ctx context.Context, server string) (*mcp.ClientSession, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s := g.sessions[server]; s != nil && s.Ping(ctx, nil) == nil {
		return s, nil
	}
	endpoint, via := g.box.MCP(server)
	c := mcp.NewClient(&mcp.Implementation{Name: "gateway", Version: "1"}, nil)
	// The session outlives the request that opens it.
	s, err := c.Connect(context.WithoutCancel(ctx),
		&mcp.StreamableClientTransport{Endpoint: endpoint, HTTPClient: via}, nil)
	if err == nil {
		g.sessions[server] = s
	}
	return s, err
}

// tools lists the tools of all servers.
func (g *gateway) tools(ctx context.Context, _ struct{}) (map[string][]string, error) {
	servers, err := g.box.Servers(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, server := range servers {
		s, err := g.session(ctx, server.Name)
		if err != nil {
			return nil, err
		}
		for tool, err := range s.Tools(ctx, nil) {
			if err != nil {
				return nil, err
			}
			out[server.Name] = append(out[server.Name], tool.Name)
		}
	}
	return out, nil
}

type callRequest struct {
	Server    string `json:"server"`
	Tool      string `json:"tool"`
	Arguments any    `json:"arguments"`
}

func (g *gateway) call(ctx context.Context, in callRequest) (*mcp.CallToolResult, error) {
	s, err := g.session(ctx, in.Server)
	if err != nil {
		return nil, err
	}
	return s.CallTool(ctx, &mcp.CallToolParams{Name: in.Tool, Arguments: in.Arguments})
}

type codeRequest struct {
	Language string `json:"language"`
	Code     string `json:"code"`
	Caller   string `json:"caller"`
}

func (g *gateway) code(ctx context.Context, in codeRequest) (*api.Result, error) {
	x, err := g.box.Run(
		ctx,
		api.ExecutionRequest{Language: in.Language, Code: in.Code, Policy: "code-secure",
			Caller: in.Caller},
	)
	if err != nil {
		return nil, err
	}
	return x.Result, nil
}
