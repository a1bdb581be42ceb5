package guard

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

type sample struct {
	label, code, file string
	number            int
}

func corpus(t *testing.T, language Language) (samples []sample) {
	t.Helper()
	file := "testdata/" + string(language) + ".txt"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, part := range strings.Split("\n"+string(data), "\n=== ")[1:] {
		label, code, _ := strings.Cut(part, "\n")
		samples = append(samples, sample{label, code, file, i + 1})
	}
	return samples
}

// bare runs Python outside of a sandbox: what is tested here is the parser's judgement. tests/code
// has the sandbox.
func bare(t testing.TB) func(context.Context, string, []byte) ([]byte, error) {
	testhost.Need(t, "python3")
	python := "/usr/bin/python3"
	return func(ctx context.Context, program string, stdin []byte) ([]byte, error) {
		cmd := exec.CommandContext(ctx, python, "-I", "-S", "-c", program)
		cmd.Stdin = strings.NewReader(string(stdin))
		return cmd.Output()
	}
}

// The labelled set: what is hidden must be found, and honest code must not be suspected. -v prints
// the figures.
func TestCorpus(t *testing.T) {
	type count struct{ total, found int }
	all := 0
	sums := map[string]*count{"attack": {}, "evasion": {}, "honest": {}}
	for _, language := range []Language{Python, JavaScript, Shell} {
		counts := map[string]*count{"attack": {}, "evasion": {}, "honest": {}}
		g := Guard{Rules: policies.Guard{Mode: policies.GuardWarn}}
		if language == Python {
			g.Python = bare(t)
		}
		for _, s := range corpus(t, language) {
			r, err := g.Check(t.Context(), language, []byte(s.code))
			if err != nil {
				t.Fatal(err)
			}
			c, ok := counts[s.label]
			if !ok {
				t.Fatalf("%s: unknown label %q", s.file, s.label)
			}
			all++
			c.total++
			found := r.Worst() != "" && r.Worst().AtLeast(monitor.High)
			if found {
				c.found++
			}
			if found == (s.label == "honest") {
				t.Logf("%s, snippet %d: %s, and %s\n%s", s.file, s.number, s.label, said(r), s.code)
			}
		}
		for _, label := range []string{"attack", "evasion", "honest"} {
			sums[label].total += counts[label].total
			sums[label].found += counts[label].found
		}
		t.Logf("%-10s attacks %d of %d, evasions %d of %d, false positives %d of %d", language,
			counts["attack"].found, counts["attack"].total, counts["evasion"].found,
			counts["evasion"].total, counts["honest"].found, counts["honest"].total)
	}
	recall := float64(sums["evasion"].found) / float64(sums["evasion"].total)
	wrong := float64(sums["honest"].found) / float64(sums["honest"].total)
	t.Logf(
		"all %d: true positives %d, false negatives %d, true negatives %d, false positives %d; "+
			"recall on evasions %.1f %%, false positives %.1f %%",
		all,
		sums["attack"].found+sums["evasion"].found,
		sums["attack"].total+sums["evasion"].total-sums["attack"].found-sums["evasion"].found,
		sums["honest"].total-sums["honest"].found,
		sums["honest"].found,
		100*recall,
		100*wrong,
	)
	if all < 160 || recall < 0.95 || wrong > 0.02 || sums["attack"].found < sums["attack"].total {
		t.Errorf(
			"wanted: at least 160 snippets, recall 95 %%, false positives 2 %%, every plain attack")
	}
}

func said(r *Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, " %d:%d %s %s;", f.Line, f.Column, f.Severity, f.Rule)
	}
	if b.Len() == 0 {
		return "no finding"
	}
	return b.String()
}
