package reach

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFilesThatAToolCanChangeAreRefused(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"rw", "rw/deep", "ro", "safe"} {
		must(os.Mkdir(in(d), 0o755))
	}
	for _, f := range []string{"rw/file", "safe/file", "safe/bound", "safe/twice", "safe/output",
		"safe/input"} {
		must(os.WriteFile(in(f), []byte("x"), 0o644))
	}
	must(os.Link(in("safe/twice"), in("rw/deep/twice")))
	must(os.Symlink(in("rw/leads"), in("safe/link")))
	must(os.Symlink(in("safe/file"), in("rw/leads"))) // by the tool: back to a harmless place
	must(os.Symlink("safe", in("also")))
	must(unix.Mkfifo(in("ro/fifo"), 0o600))
	output, err := os.OpenFile(in("safe/output"), os.O_WRONLY|os.O_APPEND, 0)
	must(err)
	defer output.Close()
	input, err := os.Open(in("safe/input"))
	must(err)
	defer input.Close()
	r := New([]Mount{
		{Source: in("rw"), Writable: true},
		{Source: in("ro")},
		{Source: in("ro/fifo")},
		{Source: in("safe/bound"), Writable: true},
	}, input, output, nil)
	for path, want := range map[string]string{
		"":                               "",
		"/dev/null":                      "",
		"-":                              "forge",
		"/dev/stderr":                    "forge",
		in("safe/file"):                  "",
		in("safe/new"):                   "",
		in("also/file"):                  "",
		in("safe/input"):                 "",
		in("ro/new"):                     "",
		in("rw/file"):                    "lies in",
		in("rw/new"):                     "lies in",
		in("rw/deep/x"):                  "lies in",
		dir + "/rw/deep/../../safe/file": "lies in",
		dir + "/rw/../safe/file":         "",
		in("safe/link"):                  "lies in",
		in("safe/bound"):                 "is " + in("safe/bound"),
		in("safe/twice"):                 "2 names",
		in("safe/output"):                "forge",
		in("also/output"):                "forge",
		in("ro/fifo"):                    "could read",
	} {
		err := r.Check(path)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", path, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if err := New(nil).Check(in("safe/twice")); err != nil {
		t.Errorf("nothing is bound writable, and still: %v", err)
	}
}
