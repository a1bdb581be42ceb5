package arch

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// wide lists the files and folders whose lines are not yet held to 100 columns. Take entries out;
// add none.
var wide = []string{
	"docs/BENCHMARKS.md", "docs/HOSTS.md",
	"tests", "cmd", "code", "egress", "mcp", "runtime",
	"pool", "server", "packages", "report",
	"internal/arch", "internal/cleanup", "internal/idmap", "internal/hint", "internal/initproto",
	"internal/logfile",
	"internal/lockedbuf", "internal/plural", "internal/safetext", "internal/int80",
	"doctor/subids.go", "doctor/doctor_test.go",
}

// Lines have at most 100 columns; a tab counts as four.
func TestLinesHaveAtMost100Columns(t *testing.T) {
	n := 0
	for _, path := range append(files(t, "*.go"), files(t, "*.md")...) {
		if isWide(path) || strings.HasSuffix(path, "_gen.go") {
			continue
		}
		n++
		for i, line := range strings.Split(readFile(t, path), "\n") {
			if strings.Contains(line, "`yaml:") || strings.Contains(line, "`json:") {
				continue // a struct tag cannot be broken
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
