package arch

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// printed lists pages that programs write: they have tables, and messages as they were printed.
var printed = []string{"docs/BENCHMARKS.md", "docs/HOSTS.md"}

// Lines have at most 100 columns; a tab counts as four.
func TestLinesHaveAtMost100Columns(t *testing.T) {
	n := 0
	for _, path := range append(files(t, "*.go"), files(t, "*.md")...) {
		if slices.Contains(printed, path) || strings.HasSuffix(path, "_gen.go") {
			continue
		}
		n++
		text, inRaw := readFile(t, path), false
		for i, line := range strings.Split(text, "\n") {
			isText := inRaw || strings.Contains(line, "`")
			if strings.HasSuffix(path, ".go") && strings.Count(line, "`")%2 == 1 {
				inRaw = !inRaw
			}
			switch {
			case strings.Contains(line, "`yaml:"), strings.Contains(line, "`json:"):
				continue // a struct tag cannot be broken
			case strings.HasPrefix(line, "//go:linkname "):
				continue // nor a directive
			case isText && (strings.HasSuffix(path, "_test.go") || within(path, "tests")):
				continue // a message is written as it is sent
			case strings.HasSuffix(path, "example_test.go") && strings.HasPrefix(line, "\t// "):
				continue // an example's output is compared line by line
			}
			if w := utf8.RuneCountInString(strings.ReplaceAll(line, "\t", "    ")); w > 100 {
				t.Errorf("%s:%d has %d columns", path, i+1, w)
			}
		}
	}
	if n < 20 {
		t.Fatalf("%d files only: nothing was checked", n)
	}
}
