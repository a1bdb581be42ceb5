package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/tests/internal/built"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// The release whose path check can be walked around (fixed in 2025.7.1).
const vulnerable = "server-filesystem-vulnerable/dist/index.js"

const secret = "the neighbour's secret"

// A hole is one way out of the folder that the server was told to keep to.
type hole struct {
	name string
	// prepare builds the trap under base and returns the path to ask for.
	prepare func(t *testing.T, base, allowed string) string
}

func holes() []hole {
	return []hole{
		// CVE-2025-53110: "/x/allow_dir_sensitive" starts with "/x/allow_dir".
		{"prefix (CVE-2025-53110)", func(t *testing.T, base, allowed string) string {
			outside := allowed + "_sensitive"
			if err := os.Mkdir(outside, 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(outside, "secret.txt"), secret)
			return filepath.Join(outside, "secret.txt")
		}},
		// CVE-2025-53109: a refused link target falls back to a check of the link's own folder.
		{"symlink (CVE-2025-53109)", func(t *testing.T, base, allowed string) string {
			write(t, filepath.Join(base, "secret.txt"), secret)
			link := filepath.Join(allowed, "link.txt")
			if err := os.Symlink(filepath.Join(base, "secret.txt"), link); err != nil {
				t.Fatal(err)
			}
			return link
		}},
	}
}

// trap builds a hole and returns the allowed folder and the path outside it.
// The folder is shown inside under its own name, so that bare and contained the
// server gets the very same arguments and the very same request.
func trap(t *testing.T, h hole) (allowed, target string) {
	t.Helper()
	base, err := os.MkdirTemp("",
		"mcpbox-cve-") // lower case: this release compares lower-cased paths
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	if err := os.Chmod(base, 0o755); err != nil {
		t.Fatal(err)
	}
	allowed = filepath.Join(base, "allow_dir")
	if err := os.Mkdir(allowed, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(allowed, "ours.txt"), "our own file")
	return allowed, h.prepare(t, base, allowed)
}

func readFile(t *testing.T, session *mcp.ClientSession, path string) (text string, refused bool) {
	t.Helper()
	res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "read_file",
		Arguments: map[string]any{"path": path}})
	if err != nil {
		t.Fatalf("read_file %s: %v", path, err)
	}
	for _, c := range res.Content {
		text += fmt.Sprint(c.(*mcp.TextContent).Text)
	}
	return text, res.IsError
}

func TestVulnerableServerLeaksBareAndNotUnderMCPBox(t *testing.T) {
	for _, h := range holes() {
		t.Run(h.name, func(t *testing.T) {
			allowed, target := trap(t, h)
			bare := &side{name: "bare", modules: serverModules(t), host: allowed, work: allowed}
			session, _ := bare.connect(t, vulnerable, allowed)
			if text, refused := readFile(t, session, target); refused || text != secret {
				t.Fatalf("bare, the server does not leak (%q): this test proves nothing", text)
			}

			_, nodeMounts := node(t)
			boxed := &side{name: "mcpbox", modules: "/opt/server/node_modules", host: allowed,
				work: allowed}
			boxed.prefix = append([]string{built.Mcpbox(t), "run", "--policy", "standard",
				"--mount", allowed + ":" + allowed + ":rw",
				"--mount", serverModules(t) + ":/opt/server/node_modules:ro"}, nodeMounts...)
			session, _ = boxed.connect(t, vulnerable, allowed)
			if text, refused := readFile(t, session, filepath.Join(allowed, "ours.txt")); refused ||
				text != "our own file" {
				t.Errorf("the file it may read: %q", text)
			}
			text, refused := readFile(t, session, target)
			if strings.Contains(text, secret) {
				t.Fatalf("the server leaked %s from inside the sandbox", target)
			}
			// The server words it "ENOENT" for the file and "Parent directory does not exist" for
			// its folder.
			if !refused || !strings.Contains(text, "ENOENT") && !strings.Contains(text,
				"does not exist") {
				t.Errorf("reading %s inside: %q, want an error that says the file does not "+
					"exist", target, text)
			}
		})
	}
}
