package learn

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/audit"
)

var begin = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// calls60 returns sixty calls of a tool, one a minute.
func calls60(tool string, arguments func(i int) string) (out []audit.Record) {
	for i := range 60 {
		out = append(out, audit.Record{Time: begin.Add(time.Duration(i) * time.Minute),
			Decision: "allowed", Outcome: "ok", Server: "notes", Method: "tools/call",
			Tool: tool, Arguments: json.RawMessage(arguments(i))})
	}
	return out
}

func propose(t *testing.T, records []audit.Record, current ...access.Rule) *Report {
	t.Helper()
	r, err := Propose(records, current, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// learnt is the schema for the arguments of the only tool.
func learnt(t *testing.T, records []audit.Record) string {
	t.Helper()
	for _, p := range propose(t, records).Proposals {
		if p.Rule.Layer == access.LayerParameter {
			return string(p.Rule.Schema)
		}
	}
	t.Fatal("no rule for its arguments")
	return ""
}

func TestEachKindOfArgumentGetsItsRule(t *testing.T) {
	for _, c := range []struct {
		name   string
		value  func(i int) string
		schema string
	}{
		{"few texts", func(i int) string { return []string{`"asc"`, `"desc"`}[i%2] },
			`{"enum":["asc","desc"],"type":"string"}`},
		{"names", func(i int) string { return fmt.Sprintf(`"note-%d"`, i) },
			`{"maxLength":16,"pattern":"^[a-z0-9_][a-z0-9_-]*$","type":"string"}`},
		{"numbers as text", func(i int) string { return fmt.Sprintf(`"%d"`, i*1000) },
			`{"maxLength":16,"pattern":"^[0-9]+$","type":"string"}`},
		{"file names", func(i int) string { return fmt.Sprintf(`"report_%d.tar.gz"`, i) },
			`{"maxLength":32,"pattern":"^[A-Za-z0-9_][A-Za-z0-9_-]*(\\.[A-Za-z0-9_-]+)*$","type":"string"}`},
		{"paths in one folder", func(i int) string {
			return fmt.Sprintf(`"/work/notes/%d/a.md"`,
				i)
		},
			`{"maxLength":64,"pattern":"^/work/notes(/[A-Za-z0-9_][A-Za-z0-9_-]*(\\.[A-Za-z0-9_-]+)*)*/?$","type":"string"}`},
		{"paths all over", func(i int) string { return fmt.Sprintf(`"/d%d/a.md"`, i) },
			`{"maxLength":32,"type":"string"}`},
		{"somebody's whole home", func(i int) string { return fmt.Sprintf(`"/home/ada/%d"`, i) },
			`{"maxLength":32,"type":"string"}`},
		{"hidden files", func(i int) string { return fmt.Sprintf(`"/work/.git/%d"`, i) },
			`{"maxLength":32,"pattern":"^/work/\\.git(/[A-Za-z0-9_][A-Za-z0-9_-]*(\\.[A-Za-z0-9_-]+)*)*/?$","type":"string"}`},
		{"prose", func(i int) string { return fmt.Sprintf(`"What is %d, please?"`, i) },
			`{"maxLength":64,"type":"string"}`},
		{"URLs", func(i int) string { return fmt.Sprintf(`"https://api.example.com/v1/items/%d?full=1"`, i) },
			`{"maxLength":128,"pattern":"^(https://api\\.example\\.com)(/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*/?(\\?[A-Za-z0-9_.~&=+,:-]*)?(#[A-Za-z0-9_.~-]*)?$","type":"string"}`},
		{"counts", func(i int) string { return fmt.Sprint(i%37 + 1) },
			`{"maximum":50,"minimum":1,"type":"integer"}`},
		{"temperatures", func(i int) string { return fmt.Sprint(float64(i%7) - 3.5) },
			`{"maximum":5,"minimum":-5,"type":"number"}`},
		{"a growing number", func(i int) string { return fmt.Sprint(1 << (i / 2)) },
			`{"minimum":1,"type":"integer"}`},
		{"yes and no", func(i int) string { return fmt.Sprint(i%2 == 0) }, `{"type":"boolean"}`},
		{"two types", func(i int) string { return []string{`"x"`, `1`}[i%2] },
			`{"type":["integer","string"]}`},
		{"lists", func(i int) string { return []string{`["red"]`, `["red","blue"]`, `[]`}[i%3] },
			`{"items":{"enum":["blue","red"],"type":"string"},"maxItems":4,"type":"array"}`},
		{"objects", func(i int) string { return fmt.Sprintf(`{"k":%d}`, i%2) },
			`{"additionalProperties":false,"properties":{"k":{"maximum":1,"minimum":0,"type":"integer"}},"required":["k"],"type":"object"}`},
		{"a form that changes late", func(i int) string {
			return []string{`"note-%d"`,
				`"Note %d!"`}[i/50]
		}, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := learnt(t, calls60("t", func(i int) string { return `{"v":` + c.value(i) + `}` }))
			want := `{"additionalProperties":false,"properties":{"v":` + c.schema +
				`},"required":["v"],"type":"object"}`
			if c.schema != "" && got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if c.schema == "" && (strings.Contains(got, "pattern") ||
				strings.Contains(got, "enum")) {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestNewKeysInTheLastThirdKeepTheObjectOpen(t *testing.T) {
	got := learnt(t, calls60("t", func(i int) string {
		if i > 50 {
			return `{"a":1,"b":2}`
		}
		return `{"a":1}`
	}))
	if want := `{"properties":{"a":{"maximum":1,"minimum":1,"type":"integer"},"b":{"type":"integer"}},"required":["a"],"type":"object"}`; got != want {
		t.Errorf("got %s", got)
	}
}

func TestAPathRuleNamesTheFolderToo(t *testing.T) {
	r := propose(t, calls60("t",
		func(i int) string { return fmt.Sprintf(`{"file":"/work/notes/%d"}`, i) }))
	last := r.Proposals[len(r.Proposals)-1].Rule
	if got := last.Paths["file"]; !slices.Equal(got, []string{"/work/notes"}) {
		t.Errorf("paths %v", last.Paths)
	}
}

func TestNothingIsLearntFromRefusedCallsAndAttacks(t *testing.T) {
	good := func(i int) string { return fmt.Sprintf(`{"name":"note-%d"}`, i) }
	clean := learnt(t, calls60("t", good))
	for _, spoil := range []func(*audit.Record){
		func(r *audit.Record) { r.Decision = "refused"; r.Arguments = json.RawMessage(`{"name":"A B"}`) },
		func(r *audit.Record) { r.Outcome = "error"; r.Arguments = json.RawMessage(`{"name":"A B"}`) },
		func(r *audit.Record) { r.Events = 1; r.Arguments = json.RawMessage(`{"name":"A B"}`) },
		func(r *audit.Record) { r.Cut = true; r.Arguments = nil },
		func(r *audit.Record) { r.Arguments = json.RawMessage(`{"name":"../../etc/hosts"}`) },
		func(r *audit.Record) { r.Arguments = json.RawMessage(`{"name":"a/%2e%2e/b"}`) },
		func(r *audit.Record) { r.Arguments = json.RawMessage(`{"name":"a/%252e%252e/b"}`) },
		func(r *audit.Record) { r.Arguments = json.RawMessage(`{"name":"..\\b"}`) },
		func(r *audit.Record) { r.Arguments = json.RawMessage(`{"name":"a\u0000b"}`) },
		func(r *audit.Record) { r.Arguments = json.RawMessage(`{"name":"/etc/shadow"}`) },
		func(r *audit.Record) { r.Arguments = json.RawMessage(`{"name":"x","more":["~/.ssh/id_ed25519"]}`) },
		func(r *audit.Record) { r.Method = "resources/read" },
	} {
		records := calls60("t", good)
		for _, i := range []int{5, 30, 55} {
			spoil(&records[i])
		}
		if got := learnt(t, records); got != clean {
			t.Errorf("%s taught\n%s", records[5].Arguments, got)
		}
	}
}

// Rules learnt from benign samples refuse every attack, whatever form the samples had.
func TestNoLearntPatternAcceptsAnAttack(t *testing.T) {
	attacks := []string{"..", "../x", "a/../b", "a/..", "/work/notes/../../etc/shadow",
		"/work/notes/..", "/work/notesx/a", "/work/notes/.ssh/id", "a\x00b", "a\nb", "-rf", "$(id)",
		"`id`", "a;b", "a b",
		"https://api.example.com.evil.org/", "https://api.example.com@evil.org/",
		"https://api.example.com/../x", "https://api.example.com/%2e%2e/x",
		"http://api.example.com/", "file:///etc/passwd", `a\..\b`, "a%2fb", ""}
	for _, form := range []string{"note-%d", "%d", "Note_%d", "r%d.txt", "d%d/e.txt", "d/%d/",
		"/work/notes/%d.md", "/work/notes/a/b%d/c", "https://api.example.com/v1/%d",
		"https://api.example.com/%d?x=y#z"} {
		schema := learnt(t, calls60("t",
			func(i int) string { return fmt.Sprintf(`{"v":"`+form+`"}`, i) }))
		if !strings.Contains(schema, "pattern") {
			t.Errorf("%s: no pattern in %s", form, schema)
		}
		set, err := access.NewSet([]access.Rule{{Layer: access.LayerParameter, Match: "t",
			Schema: json.RawMessage(schema)}})
		if err != nil {
			t.Fatal(err)
		}
		for _, attack := range attacks {
			args, _ := json.Marshal(map[string]string{"v": attack})
			if v := judged(set, args); v.Allowed {
				t.Errorf("learnt from %q: %q is allowed by %s", form, attack, schema)
			}
		}
	}
}

func TestLearningNeedsSamplesAndRespectsRules(t *testing.T) {
	records := calls60("t", func(i int) string { return fmt.Sprintf(`{"name":"note-%d"}`, i) })
	count := func(n int, current ...access.Rule) (out []string) {
		for _, p := range propose(t, records[:n], current...).Proposals {
			out = append(out, string(p.Rule.Layer))
		}
		return out
	}
	for _, c := range []struct {
		name    string
		n       int
		current []access.Rule
		want    []string
	}{
		{"four calls", 4, nil, nil},
		{"five calls", 5, nil, []string{"tool"}},
		{"twenty calls", 20, nil, []string{"tool", "parameter"}},
		{"allowed before", 20, []access.Rule{{Layer: access.LayerTool, Match: "*",
			Effect: access.Allow}}, []string{"parameter"}},
		{"denied", 20, []access.Rule{{Layer: access.LayerTool, Match: "t", Effect: access.Deny}},
			nil},
		{"arguments have a rule", 20, []access.Rule{{Layer: access.LayerParameter, Match: "t",
			Schema: []byte(`{}`)}}, []string{"tool"}},
	} {
		if got := count(c.n, c.current...); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, not %q", c.name, got, c.want)
		}
	}
}

func TestTheSameRecordsGiveTheSameReport(t *testing.T) {
	var records []audit.Record
	for _, name := range []string{"b", "a", "c*"} {
		records = append(records, calls60(name, func(i int) string {
			return fmt.Sprintf(`{"n":%d,"s":"x%d","o":{"k":"v%d","l":[%d]},"e":"e%d"}`, i, i, i%3,
				i, i%2)
		})...)
	}
	want := propose(t, records)
	random := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		random.Shuffle(len(records), func(i, j int) {
			records[i], records[j] = records[j],
				records[i]
		})
		if got := propose(t, records); got.String() != want.String() {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	}
	// After the proposals are applied, nothing is left to propose. The rules allow every record
	// that they were learnt from.
	set, err := access.NewSet(want.Apply(nil))
	if err != nil {
		t.Fatal(err)
	}
	if again := propose(t, records, set.Rules()...); len(again.Proposals) > 0 {
		t.Errorf("proposed again: %s", again)
	}
	var labelled bytes.Buffer
	for _, r := range records {
		json.NewEncoder(&labelled).Encode(Labelled{Record: r, Label: "benign"})
	}
	e, err := Evaluate(set, &labelled)
	if err != nil || e.FalsePositives > 0 || e.TrueNegatives != len(records) {
		t.Errorf("%v\n%s", err, e)
	}
}

func TestLinesThatAreNotRecordsAreReported(t *testing.T) {
	in := `{"method":"tools/call","tool":"a"}` + "\n\nnonsense\n" + `{"x":1}` + "\n" +
		`{"method":"` + strings.Repeat("x", maxLine) + `"}` + "\n" + `{"method":"tools/call","to`
	records, bad, err := ReadRecords(strings.NewReader(in))
	if err != nil || len(records) != 1 || records[0].Tool != "a" {
		t.Fatalf("%v, %v", records, err)
	}
	var lines []int
	for _, b := range bad {
		lines = append(lines, b.Line)
	}
	if !slices.Equal(lines, []int{3, 4, 5, 6}) {
		t.Errorf("bad lines %v", bad)
	}
}

func TestEvaluateCountsRefusedAndAllowedRecords(t *testing.T) {
	set, err := access.NewSet([]access.Rule{
		{Layer: access.LayerTool, Match: "read_note", Effect: access.Allow},
		{Layer: access.LayerParameter, Match: "read_note",
			Schema: []byte(`{"properties":{"name":{"pattern":"^[a-z]+$"}}}`)},
		{Layer: access.LayerResource, Match: "file:///work/*", Effect: access.Allow},
		{Layer: access.LayerServer, Match: "command:*/node *", Effect: access.Allow},
	})
	if err != nil {
		t.Fatal(err)
	}
	in := `{"method":"tools/call","server":"n","tool":"read_note","arguments":{"name":"abc"},"label":"benign"}
{"method":"tools/call","server":"n","tool":"read_note","arguments":{"name":"Abc"},"label":"benign"}
{"method":"tools/call","server":"n","tool":"read_note","arguments":{"name":"../x"},"label":"malicious"}
{"method":"tools/call","server":"n","tool":"rm","label":"malicious"}
{"method":"tools/call","server":"n","tool":"read_note","arguments":{"name":"secret"},"label":"malicious"}
{"method":"resources/read","server":"n","tool":"file:///work/a","label":"benign"}
`
	e, err := Evaluate(set, strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	if e.TruePositives != 2 || e.FalsePositives != 1 || e.TrueNegatives != 2 ||
		e.FalseNegatives != 1 || *e.Precision != 2./3 || *e.Recall != 2./3 {
		t.Errorf("%s", e)
	}
	if len(e.Wrong) != 2 || e.Wrong[0].Line != 2 || e.Wrong[0].Layer != "parameter" ||
		e.Wrong[1].Line != 5 {
		t.Errorf("wrong: %+v", e.Wrong)
	}
	for line, want := range map[string]string{
		`{"method":"tools/call","label":"odd"}`:    `line 1: unknown label "odd"`,
		`{"method":"tools/list","label":"benign"}`: `line 1: no rule applies to the method "tools/list"`,
		`{"label":"benign"}`:                       `line 1: not a record: it has no method`,
	} {
		if _, err := Evaluate(set, strings.NewReader(line)); err == nil || err.Error() != want {
			t.Errorf("%s: %v", line, err)
		}
	}
	none, err := Evaluate(set, strings.NewReader(""))
	if err != nil || none.Precision != nil || none.Recall != nil {
		t.Errorf("no records: %+v, %v", none, err)
	}
}
