package learn

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/mcp/access"
)

// For any samples, the rules can be stored and accept each sample. They refuse paths with "..",
// unless only the length of a text was learnt.
func FuzzLearntRulesFitTheSamples(f *testing.F) {
	f.Add("a\nb\nc")
	f.Add("/work/a/b\n/work/a/c.txt\n/work/a")
	f.Add("https://e.org/a\nhttps://e.org/b?c=d")
	f.Add("1\n2.5\n[1,2]\n{\"k\":null}")
	f.Add("-1e308\n1e308\n9007199254740993")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Split(text, "\n")
		records := calls60("t", func(i int) string {
			line := lines[i%len(lines)]
			if !json.Valid([]byte(line)) {
				quoted, _ := json.Marshal(line)
				line = string(quoted)
			}
			return `{"v":` + line + `}`
		})
		report, err := Propose(records, nil, Options{})
		if err != nil {
			t.Fatal(err)
		}
		set, err := access.NewSet(report.Apply(nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if _, why := sample(r); why == "" && !judged(set, r.Arguments).Allowed {
				t.Fatalf("%s taught\n%s\nand is refused: %s", r.Arguments, report,
					judged(set, r.Arguments).Reason)
			}
		}
		for _, p := range report.Proposals {
			if !strings.Contains(string(p.Rule.Schema), `"pattern"`) ||
				strings.Contains(string(p.Rule.Schema), `"items"`) {
				continue
			}
			for _, climb := range []string{"..", "../x", lines[0] + "/..", lines[0] + "/../x"} {
				args, _ := json.Marshal(map[string]any{"v": climb})
				if v := judged(set, args); v.Allowed && isText(p.Rule.Schema) {
					t.Fatalf("%q is allowed by %s", climb, p.Rule.Schema)
				}
			}
		}
	})
}

// isText reports whether the schema's argument v is a text.
func isText(schema json.RawMessage) bool {
	var s struct {
		Properties struct{ V struct{ Type any } }
	}
	return json.Unmarshal(schema, &s) == nil && s.Properties.V.Type == "string"
}

func judged(set *access.Set, args []byte) access.Verdict {
	return set.CheckArguments(access.Item{Server: "notes", Kind: access.KindTool, Name: "t"},
		access.NewArguments(args), nil)
}
