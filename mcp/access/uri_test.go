package access

import (
	"testing"

	"github.com/mcpbox/mcpbox/policies"
)

// Rules for resources apply to the file that a URI names, not only to its text.
func TestResourceRulesApplyToTheNamedFile(t *testing.T) {
	allow := policies.MCP{Resources: policies.MCPNames{Allow: []string{"file:///work/*",
		"note://*"}}}
	deny := policies.MCP{Resources: policies.MCPNames{Deny: []string{"file:///work/secret/*"}}}
	for uri, want := range map[string]struct{ allowed, undenied bool }{
		"file:///work/a":                 {true, true},
		"file:///work/a%20b/./c":         {true, true},
		"note://a/b?c=../d":              {true, true},
		"file:///work/../etc/passwd":     {false, true},
		"file:///work/%2e%2e/etc/passwd": {false, true},
		"file:///work/..%2Fetc/passwd":   {false, true},
		`file:///work/..\..\etc\passwd`:  {false, true},
		"file:///work/\t../etc":          {false, false}, // some parsers leave a tab out
		"file:///work/secret/a":          {true, false},
		"file:///work/%73ecret/a":        {true, false},
		"file:///work/x/../secret/a":     {true, false},
		"file:///work//secret/a":         {true, false},
		"FILE:///work/secret/a":          {false, false},
		"file:/work/secret/a":            {false, false},
		"file://localhost/work/secret/a": {false, false},
		"file:///work/%zz":               {false, false},
	} {
		for i, rules := range []policies.MCP{allow, deny} {
			v := Compile(&rules, nil).Check(Item{Kind: KindResource, Name: uri})
			if want := []bool{want.allowed, want.undenied}[i]; v.Allowed != want {
				t.Errorf("%s, rules %d: allowed is %v, want %v (%s)", uri, i, v.Allowed, want,
					v.Reason)
			}
		}
	}
	if v := Compile(&policies.MCP{},
		nil).Check(Item{Kind: KindResource, Name: "%zz no uri"}); !v.Allowed {
		t.Errorf("without rules for resources: %+v", v)
	}
}
