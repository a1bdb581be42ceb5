package integration

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

var anyText = regexp.MustCompile(`(?s)"text": ".*"`)

// proxied is bothSides with `mcpbox mcp` in the place of `mcpbox run`, under a policy that extends
// standard.
func proxied(t *testing.T, rules string) (bare, boxed *side) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(file, []byte("extends: standard\nmcp: "+rules+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	bare, boxed = bothSides(t, file)
	boxed.prefix[slices.Index(boxed.prefix, "run")] = "mcp"
	return bare, boxed
}

// A session through the proxy is the session without it: results, order, errors, progress, what the
// server asks back.
func TestServerEverythingAnswersTheSameThroughTheProxy(t *testing.T) {
	bare, boxed := proxied(t, "{output: {mark: none}}")
	transcripts := map[string][]string{}
	for _, s := range []*side{bare, boxed} {
		s.roots = []*mcp.Root{{URI: "file:///srv/data", Name: "data"}}
		session, seen := s.connect(t, everything, "stdio")
		calls := append(everythingCalls(), call{tool: "get-env", mask: anyText})
		transcripts[s.name] = s.transcript(t, session, seen, calls)
		transcripts[s.name] = append(transcripts[s.name], s.resourcesAndPrompts(t, session)...)
	}
	sameTranscript(t, transcripts["bare"], transcripts["mcpbox"])
}

// With the default marking, _meta says where each result comes from, and nothing else differs.
func TestMarkingChangesNothingButMeta(t *testing.T) {
	bare, boxed := proxied(t, "{}")
	transcripts := map[string][]string{}
	for _, s := range []*side{bare, boxed} {
		session, _ := s.connect(t, everything, "stdio")
		for _, c := range everythingCalls() {
			if strings.HasPrefix(c.tool, "toggle-") || strings.HasPrefix(c.tool, "trigger-") ||
				c.mask != nil || c.wantError {
				continue
			}
			res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: c.tool,
				Arguments: c.args})
			if err != nil {
				t.Fatalf("%s: %s: %v", s.name, c.tool, err)
			}
			if s == boxed {
				from, _ := res.Meta["mcpbox/provenance"].(map[string]any)
				if from["untrusted"] != true || from["tool"] != c.tool ||
					from["server"] != "server-everything" || from["sandbox"] == "" {
					t.Errorf("%s: _meta says %v", c.tool, res.Meta)
				}
				delete(res.Meta, "mcpbox/provenance")
				if len(res.Meta) == 0 {
					res.Meta = nil
				}
			}
			transcripts[s.name] = append(transcripts[s.name], c.tool+" → "+s.canonical(t, res))
		}
	}
	sameTranscript(t, transcripts["bare"], transcripts["mcpbox"])
}

func TestServerMemoryAnswersTheSameThroughTheProxy(t *testing.T) {
	bare, boxed := proxied(t, "{output: {mark: none}, input_schema: enforce}")
	transcripts := map[string][]string{}
	for _, s := range []*side{bare, boxed} {
		s.env = []string{"MEMORY_FILE_PATH=" + s.work + "/memory.jsonl"}
		session, seen := s.connect(t, memory)
		transcripts[s.name] = s.transcript(t, session, seen, memoryCalls())
	}
	sameTranscript(t, transcripts["bare"], transcripts["mcpbox"])
	sameTree(t, bare.host, boxed.host)
}

func TestTheTypeScriptClientHasTheSameSessionThroughTheProxy(t *testing.T) {
	bare, boxed := proxied(t, "{output: {mark: none}}")
	nodePath, _ := node(t)
	said := map[string]string{}
	for _, s := range []*side{bare, boxed} {
		argv := append([]string{"session.mjs"}, s.prefix...)
		if len(s.prefix) > 0 {
			argv = append(argv, "--")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, nodePath, append(argv, nodePath, filepath.Join(s.modules,
			everything), "stdio")...)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", s.name, err, stderr.String())
		}
		said[s.name] = string(out)
	}
	for _, want := range []string{`"sampled"`, `"asked"`, `"progress"`, `"same":true`, "enough",
		"no-such-tool"} {
		if !strings.Contains(said["bare"], want) {
			t.Errorf("the bare session has no %s: %s", want, said["bare"])
		}
	}
	sameTranscript(t, strings.Split(said["bare"], "\n"), strings.Split(said["mcpbox"], "\n"))
}
