package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var link = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

// Every link in a document leads to a file of the repository.
func TestLinksInDocumentsExist(t *testing.T) {
	n := 0
	for _, path := range files(t, "*.md") {
		for _, m := range link.FindAllStringSubmatch(readFile(t, path), -1) {
			if strings.HasSuffix(path, "generate/intro.md") {
				continue // becomes docs/POLICY.md
			}
			n++
			target := filepath.Join("..", "..", filepath.Dir(path), m[1])
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", path, m[1])
			}
		}
	}
	if n < 20 {
		t.Fatalf("%d links only: nothing was checked", n)
	}
}

var place = regexp.MustCompile("`((?:[a-z0-9-]+/)+[a-z0-9_-]*(?:\\.[a-z]+)?)`")

// Every file or folder that ARCHITECTURE.md or CONTRIBUTING.md names exists.
func TestPlacesInDocumentsExist(t *testing.T) {
	n := 0
	for _, path := range []string{"docs/ARCHITECTURE.md", "CONTRIBUTING.md"} {
		for _, m := range place.FindAllStringSubmatch(readFile(t, path), -1) {
			if n++; !exists(m[1]) {
				t.Errorf("%s names %s, which is not there", path, m[1])
			}
		}
	}
	if n < 30 {
		t.Fatalf("%d places only: nothing was checked", n)
	}
}

// ARCHITECTURE.md mentions every package, or its parent folder.
func TestEveryPackageIsInTheArchitecture(t *testing.T) {
	text := readFile(t, "docs/ARCHITECTURE.md")
	for path := range packages(t) {
		if within(path, "tests") || strings.HasSuffix(path, "/generate") {
			continue
		}
		_, last, _ := strings.Cut(path, "mcp/internal/")
		if !strings.Contains(text, "`"+path+"`") && !(last != "" &&
			strings.Contains(text, "`"+last+"`")) {
			t.Errorf("docs/ARCHITECTURE.md does not name the package %s", path)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(filepath.Join("..", "..", path))
	return err == nil
}

var script = regexp.MustCompile("`(tests/script/[a-z_]+\\.txtar)`")

// Every script that a recipe names as its test exists.
func TestRecipesNameTheirScripts(t *testing.T) {
	found := script.FindAllStringSubmatch(readFile(t, "docs/RECIPES.md"), -1)
	if len(found) < 4 {
		t.Fatalf("%d scripts only", len(found))
	}
	for _, m := range found {
		if text := readFile(t, m[1]); !strings.Contains(text, "docs/RECIPES.md") {
			t.Errorf("%s does not say that it is a recipe", m[1])
		}
	}
}

// notOurs are messages of other programs that TROUBLESHOOTING.md explains.
var notOurs = []string{"Cannot find module", "No such file or directory", "EPERM",
	"Operation not permitted"}

var quoted = regexp.MustCompile("(?m)^## (.*)$")

// mcpbox prints every message that TROUBLESHOOTING.md explains.
func TestTroubleshootingQuotesRealMessages(t *testing.T) {
	var source strings.Builder
	for _, path := range files(t, "*.go") {
		if !strings.HasSuffix(path, "_test.go") {
			source.WriteString(readFile(t, path))
		}
	}
	// Join string literals that continue on the next line.
	all := regexp.MustCompile(`"\s*\+\s*"`).ReplaceAllString(source.String(), "")
	n := 0
	for _, heading := range quoted.FindAllStringSubmatch(readFile(t, "docs/TROUBLESHOOTING.md"),
		-1) {
		for i, message := range strings.Split(heading[1], "`") {
			if i%2 == 0 || slices.Contains(notOurs, message) {
				continue
			}
			n++
			if !strings.Contains(all, message) {
				t.Errorf("no program text has %q", message)
			}
		}
	}
	if n < 8 {
		t.Fatalf("%d messages only: nothing was checked", n)
	}
}
