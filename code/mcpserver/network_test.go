package mcpserver_test

import (
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpbox/mcpbox/code/mcpserver"
	"github.com/mcpbox/mcpbox/policies"
)

// A model reads in the tools' descriptions which network its code has.
func TestToolsNameTheirNetwork(t *testing.T) {
	standard, err := policies.Preset("code-standard")
	if err != nil {
		t.Fatal(err)
	}
	secure, err := policies.Preset("code-secure")
	if err != nil {
		t.Fatal(err)
	}
	standard.AllowNetwork(policies.NetworkRule{Host: "api.example.test"},
		policies.NetworkRule{Host: "*.example.org"})
	here, there := mcp.NewInMemoryTransports()
	server := mcpserver.New(mcpserver.Config{Standard: standard, Secure: secure})
	if _, err := server.Connect(t.Context(), here); err != nil {
		t.Fatal(err)
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	session, err := client.Connect(t.Context(), there, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	tools, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range tools.Tools {
		want, open := "no network", false
		if tool.Name == "run_code" {
			want, open = "a network that reaches only api.example.test and *.example.org", true
		}
		if !strings.Contains(tool.Description, want) || *tool.Annotations.OpenWorldHint != open {
			t.Errorf("%s: %s, open %v", tool.Name, tool.Description,
				*tool.Annotations.OpenWorldHint)
		}
	}
	if text := session.InitializeResult().Instructions; strings.Contains(text, "no network") {
		t.Error(text)
	}
}
