package arch

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// wide lists the files and folders that may have longer lines. Remove entries; add none.
var wide = []string{
	"docs/BENCHMARKS.md", "docs/HOSTS.md",
	"tests/escape/egress",
	"mcp/clientconfig/fuzz_test.go",
}

// Lines have at most 100 columns; a tab counts as four.
func TestLinesHaveAtMost100Columns(t *testing.T) {
	n := 0
	for _, path := range append(files(t, "*.go"), files(t, "*.md")...) {
		if isWide(path) || strings.HasSuffix(path, "_gen.go") {
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

func isWide(path string) bool {
	for _, w := range wide {
		if within(path, w) {
			return true
		}
	}
	return false
}
