package reference

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/policies/internal/yaml"
)

// Once more: a preset that extends another one was made of what that one was before.
//
//go:generate go run ./internal/generate
const sizePattern = `^\s*[0-9]+(\.[0-9]+)?\s*([kKmMgGtTpPeE]([iI]?[bB])?|[bB])?\s*$`

// Schema is the JSON Schema (2020-12) of a policy file, for editors. docs/policy-schema.json is a
// copy. It describes the form. Parse also checks what values mean together.
func Schema() []byte {
	root := schemaOf(reflect.TypeFor[policies.Policy](), "", "")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "mcpbox policy"
	data, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		panic(err) // maps, lists and text only
	}
	return append(data, '\n')
}

func schemaOf(t reflect.Type, path, enum string) map[string]any {
	s := map[string]any{}
	if k, ok := lookup(path); ok && path != "" {
		s["description"] = k.what
		if k.unset != "" {
			s["description"] = k.what + "\n\nDefault: " + k.unset
		}
	}
	switch t {
	case reflect.TypeFor[policies.Size]():
		s["type"], s["pattern"], s["minimum"] = []string{"string", "integer"}, sizePattern, 0
		return s
	case reflect.TypeFor[policies.Duration]():
		s["type"], s["minimum"] = []string{"string", "number"}, 0
		return s
	}
	switch t.Kind() {
	case reflect.Struct:
		properties, required := map[string]any{}, []string{}
		for i := range t.NumField() {
			f := t.Field(i)
			key := yaml.Key(f)
			sub := schemaOf(f.Type, yaml.Join(path, key), f.Tag.Get("enum"))
			properties[key] = sub
			if k := f.Type.Kind(); k == reflect.Slice || k == reflect.Map {
				afresh := schemaOf(f.Type, "", f.Tag.Get("enum"))
				afresh["description"] = "as " + key + "; replaces the inherited entries instead " +
					"of adding to them"
				properties["!"+key] = afresh
			}
			if needed(t, key) {
				required = append(required, key)
			}
		}
		s["type"], s["properties"], s["additionalProperties"] = "object", properties, false
		if len(required) > 0 {
			s["required"] = required
		}
		if t == reflect.TypeFor[policies.SyscallRule]() ||
			t == reflect.TypeFor[policies.NetworkRule]() {
			return map[string]any{"anyOf": []any{map[string]any{"type": "string"}, s}}
		}
	case reflect.Slice:
		s["type"], s["items"] = "array", schemaOf(t.Elem(), path+"[]", enum)
	case reflect.Map:
		s["type"] = "object"
		if t.Elem().Kind() == reflect.String {
			s["additionalProperties"] = map[string]any{"type": []string{"string", "number",
				"boolean"}}
		} else if t.Elem() == reflect.TypeFor[map[string]any]() {
			s["additionalProperties"] = map[string]any{"type": "object"}
		} else {
			s["additionalProperties"] = schemaOf(t.Elem(), path+"[]", "")
		}
	case reflect.String:
		s["type"] = "string"
		if enum != "" {
			s["enum"] = strings.Split(enum, ",")
		}
	case reflect.Bool:
		s["type"] = "boolean"
	case reflect.Float64:
		s["type"], s["minimum"] = "number", 0
	case reflect.Uint64: // an argument's value or mask: a number or constants' names
		s["type"], s["minimum"] = []string{"string", "integer"}, 0
	case reflect.Uint:
		s["type"], s["minimum"], s["maximum"] = "integer", 0, 5
	default:
		s["type"], s["minimum"] = "integer", 0
	}
	return s
}

func needed(t reflect.Type, key string) bool {
	switch t {
	case reflect.TypeFor[policies.Mount]():
		return key == "source" || key == "target"
	case reflect.TypeFor[policies.SyscallRule]():
		return key == "names"
	case reflect.TypeFor[policies.ArgRule]():
		return key == "index" || key == "op" || key == "value"
	case reflect.TypeFor[policies.Rule]():
		return key == "id" || key == "when"
	case reflect.TypeFor[policies.NetworkRule]():
		return key == "host"
	case reflect.TypeFor[policies.Secret]():
		return key == "name" || key == "hosts"
	case reflect.TypeFor[policies.IOMax]():
		return key == "device"
	}
	return false
}
