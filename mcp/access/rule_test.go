package access

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// ErrTest stands for any error that makes rules unreadable.
var ErrTest = errors.New("the disk is gone")

func TestInvalidRulesAreRefused(t *testing.T) {
	for want, r := range map[string]Rule{
		"unknown layer":  {Layer: "tol", Match: "x", Effect: Allow},
		"unknown effect": {Layer: LayerTool, Match: "x", Effect: "maybe"},
		"needs a match":  {Layer: LayerTool, Effect: Allow},
		"layer global":   {Layer: LayerGlobal, Match: "x", Effect: Deny},
		"is not a glob":  {Layer: LayerTool, Match: "[a-", Effect: Allow},
		"64 lower-case hexadecimal digits": {Layer: LayerServer, Match: "sha256:ABCD",
			Effect: Allow},
		"not a version range": {Layer: LayerVersion, Match: "latest", Effect: Allow},
		"takes no schema": {Layer: LayerTool, Match: "x", Effect: Allow,
			Schema: []byte(`{}`)},
		"can't deny": {Layer: LayerParameter, Match: "x", Effect: Deny,
			Schema: []byte(`{}`)},
		"neither a schema nor paths": {Layer: LayerParameter, Match: "x"},
		"not a JSON object":          {Layer: LayerParameter, Match: "x", Schema: []byte(`[]`)},
		"leads back to itself": {Layer: LayerParameter, Match: "x",
			Schema: []byte(`{"$ref":"#"}`)},
		"text after the schema": {Layer: LayerParameter, Match: "x", Schema: []byte(`{} {}`)},
		"error parsing regexp": {Layer: LayerParameter, Match: "x",
			Schema: []byte(`{"pattern": "("}`)},
		"not an absolute path": {Layer: LayerParameter, Match: "x",
			Paths: map[string][]string{"a": {"/work/.."}}},
		"unprintable": {Layer: LayerTool, Match: "read\u202enote", Effect: Allow},
		"too long": {Layer: LayerTool, Match: strings.Repeat("x", 2000),
			Effect: Allow},
	} {
		if _, err := r.Canonical(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want %q", r, err, want)
		}
	}
}

func TestEqualRulesHaveTheSameText(t *testing.T) {
	a, err := Rule{Layer: LayerParameter, Match: "x",
		Schema: []byte("{ \"b\": 1.50,\n \"a\": \"<&>\" }")}.Canonical()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"layer":"parameter","server":"*","match":"x","effect":"allow","schema":{"a":"<&>","b":1.50}}`
	if string(a.JSON()) != want {
		t.Errorf("got  %s\nwant %s", a.JSON(), want)
	}
	b, err := a.Canonical()
	if err != nil || string(b.JSON()) != want {
		t.Errorf("made canonical again: %s, %v", b.JSON(), err)
	}
}

func TestASetRefusesDuplicateRules(t *testing.T) {
	r := Rule{Layer: LayerTool, Match: "x", Effect: Allow}
	d := r
	d.Effect = Deny
	if _, err := NewSet([]Rule{r, d}); err == nil {
		t.Error("two rules for the same make a set")
	}
}

func TestExportIsReadBackByImport(t *testing.T) {
	in := []Rule{{Layer: LayerTool, Match: "b", Effect: Deny, Note: "why"},
		{Layer: LayerGlobal, Effect: Deny},
		{Layer: LayerTool, Match: "a", Effect: Allow, Server: "z"}}
	for i := range in {
		in[i], _ = in[i].Canonical()
	}
	text, err := Export(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Import(text)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(in)
	again, err := Export(in)
	if err != nil || string(again) != string(text) {
		t.Errorf("the order of the rules shows: %v", err)
	}
	if d := Diff(in, out); d != nil {
		t.Errorf("not the same: %v", d)
	}
	for _, bad := range []string{``, `{}`, `{"version": 2}`, `{"version": 1, "rulez": []}`,
		`{"version": 1} {}`, `{"version":1,"rules":[{"layer":"tool"}]}`} {
		if _, err := Import([]byte(bad)); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestADiffShowsWhatBecomesOfEachRule(t *testing.T) {
	allow, _ := Rule{Layer: LayerTool, Match: "a", Effect: Allow}.Canonical()
	deny := allow
	deny.Effect = Deny
	other, _ := Rule{Layer: LayerParameter, Match: "a",
		Schema: []byte("{\"const\": \"\u202e\U000e0001\"}")}.Canonical()
	var b strings.Builder
	for _, c := range Diff([]Rule{allow}, []Rule{deny, other}) {
		b.WriteString(c.String())
	}
	want := "- " + allow.ID() + " tool allow a\n+ " + allow.ID() + " tool deny a\n+ " + other.ID() +
		` parameter allow a {"const":"\u202e\udb40\udc01"}` + "\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
