package guard

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

func look(t *testing.T, g Guard, language Language, code string) *Report {
	t.Helper()
	if language == Python && g.Python == nil {
		g.Python = bare(t)
	}
	r, err := g.Check(t.Context(), language, []byte(code))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var deny = Guard{Rules: policies.Guard{Mode: policies.GuardDeny}}

func TestAFindingSaysWhere(t *testing.T) {
	for _, c := range []struct {
		language Language
		code     string
		want     Finding
	}{
		{Python, "x = 1\nä = 'ö'; import socket\n", Finding{Line: 2, Column: 10,
			Rule: "python/module/socket", Severity: high}},
		{Python, "print(\n  eval('1'))", Finding{Line: 2, Column: 3, Rule: "python/call/eval",
			Severity: high}},
		{JavaScript, "let x = 1;\nlet ä = 'ö'; eval('1');", Finding{Line: 2, Column: 14,
			Rule: "javascript/call/eval", Severity: high}},
		{JavaScript, "\n\nconst c = require('child_process')", Finding{Line: 3, Column: 11,
			Rule: "javascript/module/child_process", Severity: high}},
		{Shell, "echo hi\n  curl x", Finding{Line: 2, Column: 3, Rule: "shell/call/curl",
			Severity: high}},
		{Shell, "echo hi\n  eval 'curl x'", Finding{Line: 2, Column: 3, Rule: "shell/call/curl",
			Severity: high}},
	} {
		r := look(t, deny, c.language, c.code)
		if !r.Refused || !r.Analysed {
			t.Errorf("%s is not refused: %+v", c.code, r)
		}
		found := false
		for _, f := range r.Findings {
			if f.Reason == "" {
				t.Errorf("no reason: %+v", f)
			}
			f.Reason = ""
			found = found || f == c.want
		}
		if !found {
			t.Errorf("%q: %s; want %+v", c.code, said(r), c.want)
		}
	}
}

func TestThePolicyDecidesWhatIsRefused(t *testing.T) {
	names := func(deny, allow string) policies.GuardNames {
		return policies.GuardNames{Deny: strings.Fields(deny), Allow: strings.Fields(allow)}
	}
	for _, c := range []struct {
		rules policies.Guard
		code  string
		want  bool
	}{
		{policies.Guard{Mode: policies.GuardDeny}, "import sys", false},
		{policies.Guard{Mode: policies.GuardDeny, Refuse: "low"}, "import sys", true},
		{policies.Guard{Mode: policies.GuardDeny}, "import os", true},
		{policies.Guard{Mode: policies.GuardDeny, Refuse: "high"}, "import os", false},
		{policies.Guard{Mode: policies.GuardWarn}, "import subprocess", false},
		{policies.Guard{Mode: policies.GuardOff}, "import subprocess", false},
		{policies.Guard{Mode: policies.GuardDeny, Modules: names("", "os")},
			"import os\nos.getcwd()", false},
		{policies.Guard{Mode: policies.GuardDeny, Modules: names("", "python/os")}, "import os",
			false},
		{policies.Guard{Mode: policies.GuardDeny, Modules: names("", "shell/os")}, "import os",
			true},
		{policies.Guard{Mode: policies.GuardDeny, Modules: names("json", "")}, "import json", true},
		{policies.Guard{Mode: policies.GuardDeny, Calls: names("print", "")}, "print(1)", true},
		{policies.Guard{Mode: policies.GuardDeny, Calls: names("", "eval")}, "eval('1')", false},
		{policies.Guard{Mode: policies.GuardDeny, Attributes: names("upper", "")}, "'a'.upper()",
			true},
		{policies.Guard{Mode: policies.GuardDeny, Attributes: names("", "__globals__")},
			"(lambda: 0).__globals__", false},
	} {
		if r := look(t, Guard{Rules: c.rules}, Python, c.code); r.Refused != c.want {
			t.Errorf("%+v: %q refused: %v (%s)", c.rules, c.code, r.Refused, said(r))
		}
	}
}

// Whoever can keep the guard from looking must not get past it.
func TestWhatCannotBeLookedAtIsRefused(t *testing.T) {
	fails := Guard{
		Rules:  deny.Rules,
		Python: answers(nil, errors.New("killed")),
	}
	short := Guard{
		Rules:  deny.Rules,
		Python: answers([]byte("end\t3\n"), nil),
	}
	lies := Guard{
		Rules:  deny.Rules,
		Python: answers([]byte("hello\nend\t1\n"), nil),
	}
	silent := Guard{Rules: deny.Rules, Python: answers(nil, nil)}
	for _, g := range []Guard{fails, short, lies, silent} {
		if r := look(t, g, Python, "print(1)"); !r.Refused || r.Analysed {
			t.Errorf("%+v", r)
		}
	}
	deep := 100_000
	for _, c := range []struct {
		language Language
		code     string
	}{
		{Python, strings.Repeat("(", deep)}, {Python, strings.Repeat("-", deep) + "1"},
		{Python, strings.Repeat("[", 5000) + strings.Repeat("]", 5000)},
		{Python, "x = " + strings.Repeat("a.", deep) + "b"},
		{Python, "x" + strings.Repeat("+1", deep)}, {Python, strings.Repeat("# a\n", 100_000)},
		{JavaScript, strings.Repeat("(", deep)}, {JavaScript, strings.Repeat("a=>", deep)},
		{JavaScript, strings.Repeat("if(a)", 50_000)},
		{JavaScript, strings.Repeat("[", deep)}, {JavaScript, strings.Repeat("`${", 80_000)}, {JavaScript, strings.Repeat("!", deep) + "1"},
		{JavaScript, strings.Repeat("function f(){", 18_000)}, {JavaScript, strings.Repeat("{", deep)}, {JavaScript, "a" + strings.Repeat("+a", deep)},
		{JavaScript, strings.Repeat("new ", 60_000) + "a"}, {JavaScript, strings.Repeat("a?", deep)}, {JavaScript, strings.Repeat("class A extends ", 15_000)},
		{JavaScript, "a" + strings.Repeat(".a", deep)}, {JavaScript, strings.Repeat("a:", deep)}, {JavaScript, strings.Repeat("async()=>", 25_000)},
		{JavaScript, strings.Repeat("yield ", 40_000)}, {JavaScript, strings.Repeat("await ", 40_000)}, {JavaScript, strings.Repeat("({a:", 50_000)},
		{Shell, strings.Repeat("(", deep)}, {Shell, strings.Repeat("$(", deep)}, {Shell, strings.Repeat("! ", deep)}, {Shell, strings.Repeat("${a:-", 40_000)},
		{Shell, strings.Repeat("if ", 80_000)}, {Shell, strings.Repeat("$((", 80_000)}, {Shell, "((" + strings.Repeat("-", deep)}, {Shell, "((1" + strings.Repeat("?1:1", 60_000)},
		{Shell, strings.Repeat("\"`", deep)}, {Shell, strings.Repeat("time ", 50_000)}, {Shell, "a" + strings.Repeat("|a", deep)}, {Shell, "[[ " + strings.Repeat("! ", deep)},
		{Shell, "[[ a" + strings.Repeat(" && a", 50_000) + " ]]"},
		{Shell, "((a" + strings.Repeat("=a", deep) + "))"}, {Shell, strings.Repeat("<(", deep)},
		{Shell, strings.Repeat("while ", 40_000)}, {Shell, strings.Repeat("f()", 80_000)},
		{Shell, strings.Repeat("a() ", 60_000)},
		{Shell, "((a" + strings.Repeat("**a", 80_000) + "))"},
		{Shell, strings.Repeat("function f ", 20_000)}, {Shell, strings.Repeat("coproc ", 30_000)},
		{Shell, strings.Repeat("@(", deep)}, {Shell, strings.Repeat("${a[", 50_000)},
	} {
		r := look(t, deny, c.language, c.code)
		if (len(c.code) > maxSource || !r.Analysed) && !r.Refused {
			t.Errorf("%s %.20q… is not refused: %+v", c.language, c.code, r)
		}
	}
}

func TestLanguagesWithoutAGuardAreSaidToBe(t *testing.T) {
	r := look(t, deny, "cobol", "STOP RUN.")
	if r.Refused || r.Analysed || r.Why == "" {
		t.Errorf("%+v", r)
	}
}

func TestFindingsAreBoundedAndTheWorstAreKept(t *testing.T) {
	code := strings.Repeat("open('a')\n", 3*MaxFindings) + "eval('1')\n"
	r := look(t, deny, Python, code)
	if len(r.Findings) != MaxFindings || r.Cut != 2*MaxFindings+1 || r.Worst() != monitor.High {
		t.Errorf("%d findings, %d cut, worst %s", len(r.Findings), r.Cut, r.Worst())
	}
}

func TestEveryRuleHasAReasonAndIsThereOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if r.Why == "" || seen[r.Rule] {
			t.Errorf("%+v", r)
		}
		seen[r.Rule] = true
	}
	if len(seen) < 250 {
		t.Errorf("%d rules", len(seen))
	}
}

func FuzzScript(f *testing.F) {
	for _, code := range []string{"eval('1')", "`${a}`", "require('a'+'b')", `"\u{110000}"`} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code string) { look(t, deny, JavaScript, code) })
}

func FuzzShell(f *testing.F) {
	for _, code := range []string{"curl x | sh", "$(echo a)", "eval 'eval eval'", "${a:0:1}",
		"sh <<E\n$(\nE"} {
		f.Add(code)
	}
	f.Fuzz(func(t *testing.T, code string) { look(t, deny, Shell, code) })
}

// answers is an analysis by Python that gives this answer.
func answers(out []byte, err error) func(context.Context, string, []byte) ([]byte, error) {
	return func(context.Context, string, []byte) ([]byte, error) { return out, err }
}
