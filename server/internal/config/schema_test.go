package config

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

var update = flag.Bool("update", false, "write docs/serve-schema.json")

const schemaFile = "../../../docs/serve-schema.json"

// schema describes a type of the file for editors.
func schema(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[policies.Duration]():
		return &jsonschema.Schema{Types: []string{"string", "number"}, Examples: []any{"30s"}}
	case reflect.TypeFor[policies.Size]():
		return &jsonschema.Schema{Types: []string{"string", "integer"}, Examples: []any{"256MiB"}}
	case reflect.TypeFor[monitor.Severity]():
		return &jsonschema.Schema{Type: "string", Enum: []any{"low", "medium", "high", "critical"}}
	}
	switch t.Kind() {
	case reflect.String:
		return &jsonschema.Schema{Type: "string"}
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.Int, reflect.Int64:
		zero := 0.0
		return &jsonschema.Schema{Type: "integer", Minimum: &zero}
	case reflect.Slice:
		return &jsonschema.Schema{Type: "array", Items: schema(t.Elem())}
	case reflect.Map:
		return &jsonschema.Schema{Type: "object", AdditionalProperties: schema(t.Elem())}
	case reflect.Struct:
		out := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{},
			AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}}}
		for i := range t.NumField() {
			f := t.Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); name != "" {
				out.Properties[name] = schema(f.Type)
			}
		}
		return out
	}
	panic("config: no schema for " + t.String())
}

// docs/serve-schema.json is what editors take. It follows from the type that the file is read into.
func TestTheSchemaIsTheFiles(t *testing.T) {
	s := schema(reflect.TypeFor[Config]())
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = "mcpbox serve: config file"
	s.Required = []string{"version"}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile(schemaFile, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	checkedIn, err := os.ReadFile(schemaFile)
	if err != nil || string(checkedIn) != string(text) {
		t.Fatalf("docs/serve-schema.json is stale: go test ./server/internal/config -update (%v)",
			err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../../docs/API.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "```yaml\n")
	example, _, _ := strings.Cut(rest, "```")
	for text, ok := range map[string]bool{example: true, "version: 1\npolicys: {}": false,
		"version: 1\npool: {live: many}": false, "pool: {}": false} {
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		plain, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(plain, &v); err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(v); (err == nil) != ok {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}
