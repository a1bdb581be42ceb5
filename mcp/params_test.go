package mcp

import (
	"encoding/json"
	"testing"
)

// An argument under a name that is the rule's but for case is the rule's, at any depth.
func TestArgumentsInOtherSpellingsAreRefused(t *testing.T) {
	p, err := NewParameters(map[string]any{"properties": map[string]any{
		"NAME":    map[string]any{},
		"name":    map[string]any{"pattern": "^[a-z]+$"},
		"options": map[string]any{"allOf": []any{map[string]any{"properties": map[string]any{"depth": map[string]any{"maximum": 3}}}}},
	}}, map[string][]string{"path": {"/work"}})
	if err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]bool{
		`{"name":"a","NAME":"b","options":{"depth":2},"other":{"x":1}}`: true,
		`{"Name":"../etc"}`:            false,
		`{"PATH":"/etc/passwd"}`:       false,
		`{"options":{"DEPTH":9}}`:      false,
		`{"OPTIONS":{"depth":9}}`:      false,
		`{"options":[{"Depth":9}]}`:    false,
		`{"option\u017f":{"depth":9}}`: false, // ſ is an s to encoding/json
	} {
		var a map[string]any
		if err := json.Unmarshal([]byte(args), &a); err != nil {
			t.Fatal(err)
		}
		if _, err := p.check(a, &fake{}); (err == nil) != want {
			t.Errorf("%s: %v", args, err)
		}
	}
}
