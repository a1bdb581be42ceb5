package access

import (
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/policies"
)

// A policy and a store with the same rules give the same verdicts: one engine evaluates both.
func TestPolicyAndStoreDecideAlike(t *testing.T) {
	policy := Compile(&policies.MCP{
		Mode: policies.MCPDeny,
		Server: policies.MCPServer{Allow: []string{"node *"},
			Packages: map[string]string{"@acme/notes": "^1.4"}, Version: ">=1 <2"},
		Tools:     policies.MCPNames{Allow: []string{"read_*"}, Deny: []string{"read_secret"}},
		Resources: policies.MCPNames{Allow: []string{"file:///work/*"}},
		Parameters: map[string]map[string]any{
			"read_note": {
				"properties": map[string]any{"name": map[string]any{"pattern": "^[a-z]+$"}},
			},
		},
		Paths: map[string]map[string][]string{"read_note": {"file": {"/work"}}},
	}, nil)
	store := set(t,
		Rule{Layer: LayerServer, Match: "command:node *", Effect: Allow},
		Rule{Layer: LayerPackage, Match: "@acme/notes@^1.4", Effect: Allow},
		Rule{Layer: LayerVersion, Match: ">=1 <2", Effect: Allow},
		Rule{Layer: LayerTool, Match: "read_*", Effect: Allow},
		Rule{Layer: LayerTool, Match: "read_secret", Effect: Deny},
		Rule{Layer: LayerResource, Match: "file:///work/*", Effect: Allow},
		Rule{Layer: LayerParameter, Match: "read_note",
			Schema: []byte(`{"properties":{"name":{"pattern":"^[a-z]+$"}}}`),
			Paths:  map[string][]string{"file": {"/work"}}},
	)
	notes := Server{Name: "notes", Command: []string{"node", "server.js"}, Package: "@acme/notes",
		PackageVersion: "1.5.0"}
	python, old, unknown := notes, notes, notes
	python.Command = []string{"python3", "server.py"}
	old.PackageVersion = "1.3.9"
	unknown.Package = ""
	resource := func(uri string) Item {
		return Item{Server: "notes", Version: "1.0.0",
			Kind: KindResource, Name: uri}
	}
	version := tool("notes", "read_note")
	version.Version = "2.0.0"
	for _, c := range []struct {
		what   string
		server Server
		item   Item
		args   string
		layer  Layer
	}{
		{"allowed", notes, tool("notes", "read_note"), `{"name":"a","file":"/work/a"}`, ""},
		{"another program", python, tool("notes", "read_note"), "", LayerServer},
		{"an old package", old, tool("notes", "read_note"), "", LayerPackage},
		{"no known package", unknown, tool("notes", "read_note"), "", LayerPackage},
		{"another version", notes, version, "", LayerVersion},
		{"a tool that is denied", notes, tool("notes", "read_secret"), "", LayerTool},
		{"a tool that is not named", notes, tool("notes", "write_note"), "", LayerTool},
		{"a resource", notes, resource("file:///work/a"), "", ""},
		{"a resource that climbs out", notes, resource("file:///work/../etc/passwd"), "",
			LayerResource},
		{"a prompt that is not named", notes,
			Item{Server: "notes", Version: "1.0.0", Kind: KindPrompt, Name: "greet"}, "",
			LayerPrompt},
		{"an argument against the schema", notes, tool("notes", "read_note"), `{"name":"A"}`,
			LayerParameter},
		{"an argument in another spelling", notes, tool("notes", "read_note"), `{"Name":"A"}`,
			LayerParameter},
		{"an argument twice", notes, tool("notes", "read_note"), `{"name":"A","name":"a"}`,
			LayerParameter},
		{"a path outside", notes, tool("notes", "read_note"), `{"file":"/work/../etc/passwd"}`,
			LayerParameter},
	} {
		for from, s := range map[string]*Set{"policy": policy, "store": store} {
			v := s.For(c.server).Check(c.item)
			if v.Allowed && c.item.Kind == KindTool {
				v = s.CheckArguments(c.item, NewArguments([]byte(c.args)), nil)
			}
			if v.Allowed != (c.layer == "") || v.Layer != c.layer {
				t.Errorf("%s, %s: %+v, want layer %q", c.what, from, v, c.layer)
			}
			if !v.Allowed && (v.Reason == "" ||
				!strings.Contains(v.Hint, map[string]string{"policy": "mcp.",
					"store": "mcpbox allow"}[from])) {
				t.Errorf("%s, %s: the operator is told %q, %q", c.what, from, v.Reason, v.Hint)
			}
		}
	}
}

// A policy without rules restricts nothing.
func TestAnEmptyPolicyRestrictsNothing(t *testing.T) {
	s := Compile(&policies.MCP{}, nil)
	if s.Restricts() {
		t.Error("an empty section restricts something")
	}
	for _, section := range []policies.MCP{
		{Mode: policies.MCPOff}, {Mode: policies.MCPDeny},
		{Prompts: policies.MCPNames{Deny: []string{"x"}}},
		{Paths: map[string]map[string][]string{"t": {"a": {"/work"}}}},
	} {
		if !Compile(&section, nil).Restricts() {
			t.Errorf("%+v is said to restrict nothing", section)
		}
	}
	if !Compile(&policies.MCP{}, []string{}).Restricts() {
		t.Error("a grant of nothing is said to restrict nothing")
	}
}

// A tool is refused if its schema can't be compiled. A bad schema must not let everything through.
func TestASchemaThatCannotBeCompiledRefuses(t *testing.T) {
	s := Compile(&policies.MCP{Parameters: map[string]map[string]any{"t": {"$ref": "#"}}}, nil)
	if v := s.Check(tool("notes", "t")); v.Allowed || v.Layer != LayerParameter {
		t.Errorf("%+v", v)
	}
	if v := s.Check(tool("notes", "other")); !v.Allowed {
		t.Errorf("another tool: %+v", v)
	}
}

// A denied tool stays denied under every name that a server could take for it. Rules for its
// arguments apply under these names too.
func TestRulesApplyToOtherSpellingsOfAName(t *testing.T) {
	s := Compile(&policies.MCP{
		Tools: policies.MCPNames{Deny: []string{"delete_*", "shell"}},
		Paths: map[string]map[string][]string{"read": {"file": {"/work"}}},
	}, nil)
	for _, name := range []string{"shell\x00", "SHELL", " shell", "shell\u200b", "\ufeffshell",
		"shell\x00x", "Delete_note", "delete_note\t"} {
		if v := s.Check(tool("notes", name)); v.Allowed {
			t.Errorf("%q is allowed", name)
		}
	}
	for _, name := range []string{"Read", "read\x00", "read "} {
		if v := s.CheckArguments(tool("notes", name),
			NewArguments([]byte(`{"file":"/etc/passwd"}`)), nil); v.Allowed {
			t.Errorf("the arguments of %q are not checked", name)
		}
	}
	for _, name := range []string{"shells", "undelete", "read"} {
		if v := s.Check(tool("notes", name)); !v.Allowed {
			t.Errorf("%q: %s", name, v.Reason)
		}
	}
}
