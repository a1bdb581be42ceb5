package reference

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/policies/internal/yaml"
)

func TestTheReferenceIsUpToDate(t *testing.T) {
	intro, err := os.ReadFile("../generate/intro.md")
	if err != nil {
		t.Fatal(err)
	}
	checkedIn, err := os.ReadFile("../../../docs/POLICY.md")
	if err != nil || string(checkedIn) != string(Markdown(string(intro))) {
		t.Fatalf("docs/POLICY.md is stale: run go generate ./policies (%v)", err)
	}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	seen := map[string]bool{}
	var walk func(t reflect.Type, path string)
	walk = func(of reflect.Type, path string) {
		if of == reflect.TypeFor[map[string]any]() {
			return // a JSON Schema
		}
		switch of.Kind() {
		case reflect.Slice, reflect.Map:
			if path = path + "[]"; of.Kind() == reflect.Map {
				seen[path] = true
			}
			walk(of.Elem(), path)
		case reflect.Struct:
			for i := range of.NumField() {
				f := of.Field(i)
				sub := yaml.Join(path, yaml.Key(f))
				seen[sub] = true
				k, ok := lookup(sub)
				if !ok || k.what == "" {
					t.Errorf("policies/internal/reference/keys.go does not describe %s", sub)
				}
				isSection := f.Type.Kind() == reflect.Struct
				if !isSection && !strings.Contains(sub, "[") && k.example == "" {
					t.Errorf("policies/internal/reference/keys.go has no example of %s", sub)
				}
				walk(f.Type, sub)
			}
		}
	}
	walk(reflect.TypeFor[policies.Policy](), "")
	if len(seen) < 70 {
		t.Fatalf("%d keys only: nothing was checked", len(seen))
	}
	for _, k := range keys {
		if !seen[k.path] {
			t.Errorf("policies/internal/reference/keys.go describes %s, which is no key", k.path)
		}
	}
}

func TestTheExamplesOfKeysLoad(t *testing.T) {
	for _, k := range keys {
		if k.example == "" {
			continue
		}
		parts := strings.Split(k.path, ".")
		document := parts[len(parts)-1] + ": " + k.example
		for i := len(parts) - 2; i >= 0; i-- {
			document = parts[i] + ": {" + document + "}"
		}
		if k.path == "network.allow" { // it does nothing with another mode
			document = "network: {mode: allow, allow: " + k.example + "}"
		}
		if k.path == "secrets" { // they go to hosts that are allowed
			document += "\nnetwork: {mode: allow, allow: [api.github.com]}"
		}
		if k.path != "extends" {
			document = "extends: standard\n" + document
		}
		if _, err := policies.Parse([]byte(document+"\n"), "example.yaml"); err != nil {
			t.Errorf("%s: %v\n%s", k.path, err, document)
		}
	}
}
