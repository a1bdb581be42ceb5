package mcp_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/tests/internal/built"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// The official SDK is client and server, with the newest protocol and an old one, without the proxy
// and with it.
func TestTheGoSDKTalksToItselfThroughTheProxy(t *testing.T) {
	server, dir := server(t, "sdkserver"), t.TempDir()
	policy := filepath.Join(dir, "policy.yaml")
	rules := "extends: standard\n" +
		"mcp: {tools: {deny: [secret]}, server: {version: ^2.3}, output: {mark: wrap}}\n"
	if err := os.WriteFile(policy, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	box := built.Mcpbox(t)
	for _, version := range []string{"", "2025-03-26"} {
		results := map[string]string{}
		for name, cmd := range map[string]*exec.Cmd{
			"bare": exec.Command(server),
			"mcpbox": exec.Command(box, "mcp", "-q", "--policy", policy, "--mount",
				server+":/opt/sdkserver:ro", "--", "/opt/sdkserver"),
		} {
			cmd.Stderr = os.Stderr
			client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
			session, err := client.Connect(t.Context(), &mcp.CommandTransport{Command: cmd},
				&mcp.ClientSessionOptions{ProtocolVersion: version})
			if err != nil {
				t.Fatalf("%s %s: %v", name, version, err)
			}
			defer session.Close()
			if got := session.InitializeResult().ProtocolVersion; version != "" && got != version {
				t.Errorf("%s: protocol %s, want %s", name, got, version)
			}
			res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "add",
				Arguments: map[string]any{"a": 2, "b": 40}})
			if err != nil || res.IsError {
				t.Fatalf("%s %s: add: %v %+v", name, version, err, res)
			}
			structured, _ := json.Marshal(res.StructuredContent)
			results[name] = string(structured)
			if name == "bare" {
				continue
			}
			if text := res.Content[0].(*mcp.TextContent).Text; !strings.HasPrefix(text,
				`<untrusted source="mcp:`) {
				t.Errorf("%s: %s", version, text)
			}
			res, err = session.CallTool(t.Context(), &mcp.CallToolParams{Name: "secret"})
			if err != nil || !res.IsError ||
				!strings.Contains(res.Content[0].(*mcp.TextContent).Text, "not available") {
				t.Errorf("%s: a refused call: %v %+v", version, err, res)
			}
			res, err = session.CallTool(t.Context(), &mcp.CallToolParams{Name: "add",
				Arguments: map[string]any{"a": "x"}})
			if err != nil || !res.IsError ||
				!strings.Contains(res.Content[0].(*mcp.TextContent).Text, "input schema") {
				t.Errorf("%s: arguments against the schema: %v %+v", version, err, res)
			}
			tools, err := session.ListTools(t.Context(), nil)
			if err != nil || len(tools.Tools) != 1 || tools.Tools[0].Name != "add" {
				t.Errorf("%s: tools/list: %v %+v", version, err, tools)
			}
		}
		if results["bare"] == "" || results["bare"] != results["mcpbox"] {
			t.Errorf("%s: %v", version, results)
		}
	}
}
