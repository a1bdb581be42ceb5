package integration

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/lockedbuf"
	"github.com/mcpbox/mcpbox/tests/internal/built"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// A side is one of the two ways a server is run. The paths are as the server sees them.
type side struct {
	name    string
	host    string   // the workspace, on the host
	work    string   // the workspace, as the server sees it
	modules string   // the npm packages, as the server sees them
	prefix  []string // what goes before `node …`
	env     []string // KEY=VALUE given to the server on purpose
	roots   []*mcp.Root
}

// bothSides returns the bare and the contained way, each with a workspace of its own.
func bothSides(t *testing.T, policy string) (bare, boxed *side) {
	t.Helper()
	modules := serverModules(t)
	bare = &side{name: "bare", modules: modules, host: workspace(t)}
	bare.work = bare.host

	_, nodeMounts := node(t)
	boxed = &side{name: "mcpbox", modules: "/opt/server/node_modules", host: workspace(t),
		work: "/work"}
	boxed.prefix = append([]string{built.Mcpbox(t), "run", "--policy", policy,
		"--workspace", boxed.host, "--mount", modules + ":/opt/server/node_modules:ro"},
		nodeMounts...)
	return bare, boxed
}

// workspace makes an empty folder.
func workspace(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "work")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// answer is what the client side of a session saw besides results.
type answer struct {
	mu       sync.Mutex
	progress []float64
}

// connect starts the server and makes the handshake.
func (s *side) connect(t *testing.T, script string, args ...string) (*mcp.ClientSession, *answer) {
	t.Helper()
	nodePath, _ := node(t)
	argv := append([]string{}, s.prefix...)
	if len(s.prefix) > 0 {
		for _, kv := range s.env {
			argv = append(argv, "--env", kv)
		}
		argv = append(argv, "--")
	}
	argv = append(argv, nodePath, filepath.Join(s.modules, script))
	argv = append(argv, args...)

	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = s.host
	cmd.Env = append(os.Environ(), "MCPBOX_TEST_SECRET=only-for-the-caller")
	if len(s.prefix) == 0 {
		cmd.Env = append(cmd.Env, s.env...)
	}
	stderr := &lockedbuf.Buffer{}
	cmd.Stderr = stderr

	seen := &answer{}
	client := mcp.NewClient(&mcp.Implementation{Name: "mcpbox-integration", Version: "1"},
		&mcp.ClientOptions{
			Capabilities: &mcp.ClientCapabilities{
				RootsV2: &mcp.RootCapabilities{},
				Elicitation: &mcp.ElicitationCapabilities{Form: &mcp.FormElicitationCapabilities{},
					URL: &mcp.URLElicitationCapabilities{}},
			},
			CreateMessageHandler: func(_ context.Context,
				r *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
				asked, err := json.Marshal(r.Params.Messages)
				return &mcp.CreateMessageResult{Model: "fixed", Role: "assistant",
					Content: &mcp.TextContent{Text: "asked " + string(asked)}}, err
			},
			ElicitationHandler: func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult,
				error) {
				if r.Params.Mode == "url" {
					return &mcp.ElicitResult{Action: "decline"}, nil
				}
				return &mcp.ElicitResult{Action: "accept",
					Content: map[string]any{"name": "Ada"}}, nil
			},
			ProgressNotificationHandler: func(_ context.Context,
				r *mcp.ProgressNotificationClientRequest) {
				seen.mu.Lock()
				defer seen.mu.Unlock()
				seen.progress = append(seen.progress, r.Params.Progress)
			},
		})
	client.AddRoots(s.roots...)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	session, err := client.Connect(ctx, &mcp.CommandTransport{Command: cmd,
		TerminateDuration: 2 * time.Second}, nil)
	if err != nil {
		t.Fatalf("%s: connect: %v\n%s", s.name, err, stderr)
	}
	t.Cleanup(func() {
		_ = session.Close()
		if t.Failed() {
			t.Logf("%s: stderr of %v:\n%s", s.name, argv, stderr)
		}
	})
	return session, seen
}

// canonical is v as JSON with the side's own paths replaced.
func (s *side) canonical(t *testing.T, v any, masks ...*regexp.Regexp) string {
	t.Helper()
	data, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(data), s.work, "<work>")
	for _, m := range masks {
		text = m.ReplaceAllString(text, "<masked>")
	}
	return text
}
