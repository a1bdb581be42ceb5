package access_test

import (
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/mcp/access"
)

func TestRulesThatExpireOrAreDisabled(t *testing.T) {
	now := time.Now()
	hour := func(n int) *time.Time { at := now.Add(time.Duration(n) * time.Hour); return &at }
	tool := access.Rule{Layer: access.LayerTool, Match: "read", Effect: access.Allow}
	item := access.Item{Server: "notes", Kind: access.KindTool, Name: "read"}
	allowed := func(at time.Time, rules ...access.Rule) bool {
		t.Helper()
		set, err := access.NewSetAt(rules, at)
		if err != nil {
			t.Fatal(err)
		}
		return set.Check(item).Allowed
	}
	expires, disabled := tool, tool
	expires.Expires, disabled.DisabledUntil = hour(1), hour(1)
	for _, c := range []struct {
		rule       access.Rule
		now, later bool
	}{{tool, true, true}, {expires, true, false}, {disabled, false, true}} {
		if got := allowed(now, c.rule); got != c.now {
			t.Errorf("%s now: %v", c.rule, got)
		}
		if got := allowed(now.Add(2*time.Hour), c.rule); got != c.later {
			t.Errorf("%s later: %v", c.rule, got)
		}
	}
	deny := access.Rule{Layer: access.LayerTool, Server: "notes", Match: "re*", Effect: access.Deny,
		DisabledUntil: hour(1)}
	if !allowed(now, tool, deny) || allowed(now.Add(2*time.Hour), tool, deny) {
		t.Error("a denial that is disabled for an hour")
	}
}

// A layer that allows what no rule is about must not open when its only rule expires.
func TestARuleThatHasExpiredDoesNotOpenItsLayer(t *testing.T) {
	past := time.Now().Add(-time.Hour)
	for _, rule := range []access.Rule{
		{Layer: access.LayerServer, Match: "notes", Effect: access.Allow, Expires: &past},
		{Layer: access.LayerVersion, Match: ">=1", Effect: access.Allow, Expires: &past},
		{Layer: access.LayerPackage, Match: "@acme/notes", Effect: access.Allow, Expires: &past},
	} {
		tools := access.Rule{Layer: access.LayerTool, Match: "*", Effect: access.Allow}
		set, err := access.NewSet([]access.Rule{tools, rule})
		if err != nil {
			t.Fatal(err)
		}
		set = set.For(access.Server{Name: "notes", Package: "@acme/notes", PackageVersion: "1.0.0"})
		v := set.Check(access.Item{Server: "notes", Version: "1.0.0", Kind: access.KindTool,
			Name: "read"})
		if v.Allowed || v.Layer != rule.Layer {
			t.Errorf("%s: %+v", rule, v)
		}
	}
	_, err := access.NewSet([]access.Rule{{Layer: access.LayerParameter, Match: "read",
		Schema: []byte(`{"required":["a"]}`), Expires: &past}})
	if err == nil {
		t.Error("a parameter rule may expire")
	}
}

func TestTheNextChangeIsTheNearest(t *testing.T) {
	now := time.Now()
	at := func(n int) *time.Time { t := now.Add(time.Duration(n) * time.Hour); return &t }
	got := access.NextChange([]access.Rule{{Expires: at(-1)}, {Expires: at(5)},
		{DisabledUntil: at(2), Expires: at(3)}, {}}, now)
	if !got.Equal(*at(2)) {
		t.Error(got)
	}
}
