package integration

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const everything = "@modelcontextprotocol/server-everything/dist/index.js"

// clock matches the times of day that server-everything writes into its resources.
var clock = regexp.MustCompile(`\d{1,2}:\d{2}:\d{2}( [AP]M)?`)

func everythingCalls() []call {
	return []call{
		{tool: "echo", args: map[string]any{"message": "grüße, 世界 \u0000 end"}},
		{tool: "get-annotated-message", args: map[string]any{"messageType": "error",
			"includeImage": true}},
		{tool: "get-annotated-message", args: map[string]any{"messageType": "debug"}},
		{tool: "get-resource-links", args: map[string]any{"count": 10}},
		{tool: "get-resource-reference", args: map[string]any{"resourceType": "Blob",
			"resourceId": 2}, mask: regexp.MustCompile(`"blob": "[^"]+"`)},
		{tool: "get-resource-reference", args: map[string]any{"resourceType": "Text",
			"resourceId": 1}, mask: clock},
		{tool: "get-structured-content", args: map[string]any{"location": "Chicago"}},
		{tool: "get-sum", args: map[string]any{"a": 2, "b": 40.5}},
		{tool: "get-sum", args: map[string]any{"a": "not a number"}, wantError: true},
		{tool: "get-tiny-image", args: map[string]any{}},
		{tool: "gzip-file-as-resource", args: map[string]any{"name": "a.gz",
			"data": "data:text/plain,hello", "outputType": "resource"}},
		{tool: "gzip-file-as-resource", args: map[string]any{"name": "b.gz",
			"data": "data:text/plain;base64,aGVsbG8="}},
		{tool: "toggle-simulated-logging", args: map[string]any{}},
		{tool: "toggle-simulated-logging", args: map[string]any{}},
		{tool: "toggle-subscriber-updates", args: map[string]any{}},
		{tool: "toggle-subscriber-updates", args: map[string]any{}},
		{tool: "trigger-long-running-operation", args: map[string]any{"duration": 0.5, "steps": 5}},
		{tool: "get-roots-list", args: map[string]any{}},
		{tool: "trigger-elicitation-request", args: map[string]any{}},
		{tool: "trigger-url-elicitation", args: map[string]any{"url": "https://example.com/",
			"elicitationId": "one"}},
		{tool: "trigger-sampling-request", args: map[string]any{"prompt": "two plus two",
			"maxTokens": 7}},
		// Only as a task, which the Go SDK does not offer: TestTaskOfServerEverythingAnswersTheSame
		// makes it one.
		{tool: "simulate-research-query", args: map[string]any{"topic": "sandboxes"},
			wantError: true},
	}
}

func TestServerEverythingAnswersTheSame(t *testing.T) {
	bare, boxed := bothSides(t, "standard")
	transcripts := map[string][]string{}
	for _, s := range []*side{bare, boxed} {
		s.roots = []*mcp.Root{{URI: "file:///srv/data", Name: "data"}}
		session, seen := s.connect(t, everything, "stdio")
		calls := append(everythingCalls(), call{tool: "get-env",
			mask: regexp.MustCompile(`(?s)"text": ".*"`)})
		transcripts[s.name] = s.transcript(t, session, seen, calls)
		transcripts[s.name] = append(transcripts[s.name], s.resourcesAndPrompts(t, session)...)
		if len(seen.progress) != 5 {
			t.Errorf("%s: progress notifications: %v, want five", s.name, seen.progress)
		}
	}
	sameTranscript(t, transcripts["bare"], transcripts["mcpbox"])
}

// resourcesAndPrompts reads every resource and prompt that the server offers.
func (s *side) resourcesAndPrompts(t *testing.T, session *mcp.ClientSession) (lines []string) {
	t.Helper()
	ctx := context.Background()
	for r, err := range session.Resources(ctx, nil) {
		if err != nil {
			t.Fatalf("%s: resources/list: %v", s.name, err)
		}
		res, err := session.ReadResource(ctx, &mcp.ReadResourceParams{URI: r.URI})
		if err != nil {
			t.Fatalf("%s: read %s: %v", s.name, r.URI, err)
		}
		lines = append(lines, "resource "+s.canonical(t, res, clock))
	}
	for p, err := range session.Prompts(ctx, nil) {
		if err != nil {
			t.Fatalf("%s: prompts/list: %v", s.name, err)
		}
		args := map[string]string{}
		for _, a := range p.Arguments {
			args[a.Name] = "1"
		}
		res, err := session.GetPrompt(ctx, &mcp.GetPromptParams{Name: p.Name, Arguments: args})
		if err != nil {
			lines = append(lines, "prompt "+p.Name+" → "+err.Error())
			continue
		}
		lines = append(lines, "prompt "+s.canonical(t, res, clock))
	}
	return lines
}

func TestServerSeesOnlyTheNamedEnvironment(t *testing.T) {
	bare, boxed := bothSides(t, "standard")
	seen := map[string]string{}
	for _, s := range []*side{bare, boxed} {
		s.env = []string{"MCPBOX_TEST_GIVEN=on purpose"}
		session, _ := s.connect(t, everything, "stdio")
		res, err := session.CallTool(context.Background(), &mcp.CallToolParams{Name: "get-env"})
		if err != nil || len(res.Content) != 1 {
			t.Fatalf("%s: get-env: %v", s.name, err)
		}
		seen[s.name] = res.Content[0].(*mcp.TextContent).Text
	}
	if !strings.Contains(seen["bare"], "only-for-the-caller") {
		t.Fatal("the bare server does not see the caller's variable: this test proves nothing")
	}
	if strings.Contains(seen["mcpbox"], "only-for-the-caller") {
		t.Errorf("a variable that nobody passed reached the server: %s", seen["mcpbox"])
	}
	var vars map[string]string
	if err := json.Unmarshal([]byte(seen["mcpbox"]), &vars); err != nil {
		t.Fatal(err)
	}
	if vars["MCPBOX_TEST_GIVEN"] != "on purpose" {
		t.Errorf("--env MCPBOX_TEST_GIVEN did not reach the server: %v", vars)
	}
}
