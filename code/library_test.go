package code

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/testhost"
)

func goJob(t *testing.T) *job {
	t.Helper()
	j := &job{Runner: Runner{Policy: tier(t, "code-standard"), BestEffort: true},
		language: must(Lookup("go"))}
	var err error
	if j.program, err = j.find(); err != nil {
		testhost.Lacks(t, "language", "%v", err)
	}
	return j
}

// A library is made once, and a snippet that is compiled with it can't change it.
func TestALibraryIsMadeOnceAndOnlyRead(t *testing.T) {
	testhost.Need(t, "sandbox")
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	j := goJob(t)
	l := *j.language.Library
	l.Make = append(slices.Clone(l.Make[:len(l.Make)-1]),
		"errors") // a small part: all takes a minute
	j.language.Library = &l
	if dir := j.libraryOf(); dir != "" {
		t.Fatalf("there is one: %s", dir)
	}
	path, err := j.makeLibrary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if j.libraryOf() != path {
		t.Errorf("%q is not found", path)
	}
	count := func() (n int) {
		_ = filepath.WalkDir(path, func(_ string, e os.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				n++
			}
			return err
		})
		return n
	}
	before := count()
	if before < 10 {
		t.Errorf("%d files", before)
	}
	j.Code = []byte("package main\n\nimport \"errors\"\n\nfunc main() { " +
		"println(errors.New(\"made\").Error()) }\n")
	if err := j.check(); err == nil { // which makes the result, and looks the language up again
		t.Error("a job without a name of its language is taken")
	}
	j.Language = "go"
	if err := j.check(); err != nil {
		t.Fatal(err)
	}
	j.language.Library, j.Progress = &l, func(string) {}
	if err := j.compiled(t.Context()); err != nil || j.res.Stderr != "made\n" {
		t.Errorf("%v, %+v", err, j.res)
	}
	if after := count(); after != before {
		t.Errorf("%d files before, %d after a snippet", before, after)
	}
	// One that somebody else could have changed is not used.
	if err := os.Chmod(path, 0o777); err != nil {
		t.Fatal(err)
	}
	if j.libraryOf() != "" {
		t.Error("a library that others may write is used")
	}
}

func TestOnlyCompilersWithALibraryArePrepared(t *testing.T) {
	if _, err := Prepare(t.Context(), "python", true); err == nil || hint.Of(err) == "" ||
		!strings.Contains(err.Error(), "python") {
		t.Errorf("%v", err)
	}
}
