package reference

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/mcpbox/mcpbox/policies"
)

// A key that the schema names can be written, and is read back.
func TestEveryKeyOfTheMCPSectionCanBeWritten(t *testing.T) {
	p, err := policies.Parse([]byte(`extends: standard
mcp:
  mode: deny
  server: {allow: ["node *"], deny: [sh], version: ^1.2, packages: {"@acme/notes": ">=1 <3"}}
  tools: {allow: ["read_*"], deny: [read_secret]}
  resources: {allow: ["file:///work/*"], deny: ["file:///work/x"]}
  prompts: {allow: [greet], deny: [insult]}
  parameters: {read_note: {properties: {name: {pattern: "^[a-z]+$"}}}}
  paths: {read_note: {path: [/work]}}
  input_schema: enforce
  capabilities: {"fetch*": [net]}
  limits: {read_note: {timeout: 5s, memory: 64MiB, cpu_time: 1s}}
  pin: {file: /pins.json, on_change: flag}
  output: {mark: wrap, tag: data, strip: true, max_bytes: 1MiB}
`), "test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range []any{p.MCP, p.MCP.Server, p.MCP.Tools, p.MCP.Resources, p.MCP.Prompts,
		p.MCP.Limits["read_note"], p.MCP.Pin, p.MCP.Output} {
		for v, i := reflect.ValueOf(section), 0; i < v.NumField(); i++ {
			if v.Field(i).IsZero() {
				t.Errorf("%s.%s is not set", v.Type(), v.Type().Field(i).Name)
			}
		}
	}
	again, err := policies.Parse(p.YAML(), "test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(p.MCP, again.MCP) {
		t.Errorf("it changes by YAML: %v", policies.Diff(p, again))
	}
	data, _ := json.Marshal(p)
	if err := json.Unmarshal(data, new(policies.Policy)); err != nil {
		t.Error(err)
	}
	var instance any
	if err := json.Unmarshal(data, &instance); err != nil {
		t.Fatal(err)
	}
	if err := resolvedSchema(t).Validate(instance); err != nil {
		t.Error(err)
	}
}

func TestSchemaIsCheckedInAndAcceptsThePresets(t *testing.T) {
	checkedIn, err := os.ReadFile("../../../docs/policy-schema.json")
	if err != nil || string(checkedIn) != string(Schema()) {
		t.Fatalf("docs/policy-schema.json is stale: run go generate ./policies (%v)", err)
	}
	resolved := resolvedSchema(t)
	for _, name := range policies.PresetNames() {
		p, _ := policies.Preset(name)
		data, _ := json.Marshal(p)
		var instance any
		if err := json.Unmarshal(data, &instance); err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(instance); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{`{"limts": {}}`, `{"limits": {"memory": "1XB"}}`,
		`{"network": {"mode": "lan"}}`, `{"syscalls": {"allow": [{"why": "x"}]}}`} {
		var instance any
		_ = json.Unmarshal([]byte(bad), &instance)
		if resolved.Validate(instance) == nil {
			t.Errorf("the schema accepts %s", bad)
		}
	}
}

func resolvedSchema(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	var schema jsonschema.Schema
	if err := json.Unmarshal(Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}
