package integration

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// call is one tools/call of a scenario; {work} in a string stands for the workspace.
type call struct {
	tool string
	args map[string]any
	// mask hides what the server itself makes different from run to run.
	mask *regexp.Regexp
	// wantError: the bare server refuses this call, and so must the contained one.
	wantError bool
}

// transcript runs the scenario against one side and returns everything that came back, canonical.
func (s *side) transcript(t *testing.T, session *mcp.ClientSession, seen *answer,
	calls []call) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()

	var lines, listed []string
	for tool, err := range session.Tools(ctx, nil) {
		if err != nil {
			t.Fatalf("%s: tools/list: %v", s.name, err)
		}
		listed = append(listed, tool.Name)
		lines = append(lines, "tool "+s.canonical(t, tool))
	}
	for _, c := range calls {
		params := &mcp.CallToolParams{Name: c.tool, Arguments: s.fill(c.args)}
		params.SetProgressToken(c.tool)
		res, err := session.CallTool(ctx, params)
		switch {
		case err != nil:
			lines = append(lines, c.tool+" → protocol error "+s.canonical(t, err.Error()))
		case res.IsError != c.wantError:
			t.Errorf("%s: %s: isError = %v, want %v: %s", s.name, c.tool, res.IsError, c.wantError,
				s.canonical(t, res))
		}
		masks := []*regexp.Regexp{}
		if c.mask != nil {
			masks = append(masks, c.mask)
		}
		if err == nil {
			lines = append(lines, c.tool+" → "+s.canonical(t, res, masks...))
		}
		if i := slices.Index(listed, c.tool); i >= 0 {
			listed[i] = ""
		}
	}
	for _, name := range listed {
		if name != "" {
			t.Errorf("%s: the scenario never calls the tool %q", s.name, name)
		}
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	return append(lines, "progress "+s.canonical(t, seen.progress))
}

func (s *side) fill(v any) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, "{work}", s.work)
	case map[string]any:
		out := map[string]any{}
		for k, x := range v {
			out[k] = s.fill(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = s.fill(x)
		}
		return out
	}
	return v
}

// sameTranscript fails on the first lines that differ.
func sameTranscript(t *testing.T, bare, boxed []string) {
	t.Helper()
	if len(bare) != len(boxed) {
		t.Errorf("bare: %d answers, under mcpbox: %d", len(bare), len(boxed))
	}
	for i := range min(len(bare), len(boxed)) {
		if bare[i] != boxed[i] {
			t.Errorf("answer %d differs\n--- bare\n%s\n--- mcpbox\n%s", i, bare[i], boxed[i])
		}
	}
}

// sameTree fails if the two workspaces differ in names, types or contents.
func sameTree(t *testing.T, a, b string) {
	t.Helper()
	x, y := tree(t, a), tree(t, b)
	if !slices.Equal(x, y) {
		t.Errorf("the workspaces differ afterwards\n--- bare\n%s\n--- mcpbox\n%s", strings.Join(x,
			"\n"), strings.Join(y, "\n"))
	}
	if len(x) == 0 {
		t.Error("the scenario left nothing in the workspace: nothing was compared")
	}
}

func tree(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		line := strings.TrimPrefix(path, root) + " " + d.Type().String()
		if d.Type().IsRegular() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			line += " " + string(data)
		}
		out = append(out, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(out)
	return out
}
