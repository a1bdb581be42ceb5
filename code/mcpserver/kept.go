package mcpserver

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpbox/mcpbox/code"
)

const (
	uriPrefix = "mcpbox://executions/"
	maxKept   = 64 << 20 // bytes of files in memory
)

func uri(execution, name string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return uriPrefix + execution + "/" + strings.Join(parts, "/")
}

// kept has the files of the newest results.
type kept struct {
	mu    sync.Mutex
	order []string // URIs, the oldest first
	files map[string][]byte
	size  int
}

func (k *kept) add(r *code.Result) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.files == nil {
		k.files = map[string][]byte{}
	}
	for _, f := range r.Files {
		at := uri(r.ExecutionID, f.Name)
		k.files[at], k.order, k.size = f.Data, append(k.order, at), k.size+len(f.Data)
	}
	for k.size > maxKept && len(k.order) > 0 {
		k.size -= len(k.files[k.order[0]])
		delete(k.files, k.order[0])
		k.order = k.order[1:]
	}
}

func (k *kept) get(at string) ([]byte, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	data, ok := k.files[at]
	return data, ok
}

func (s *Server) read(
	_ context.Context,
	req *mcp.ReadResourceRequest,
) (*mcp.ReadResourceResult, error) {
	data, ok := s.kept.get(req.Params.URI)
	if !ok {
		return nil, mcp.ResourceNotFoundError(req.Params.URI)
	}
	contents := &mcp.ResourceContents{URI: req.Params.URI, MIMEType: mimeType(req.Params.URI)}
	if utf8.Valid(data) {
		contents.Text = string(data)
	} else {
		contents.Blob = data
	}
	return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{contents}}, nil
}
