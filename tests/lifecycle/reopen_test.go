package lifecycle

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Started by root, the streams belong to an unmapped id inside. Started by a user, Landlock does
// not allow files outside of its rules.
func TestTheStandardStreamsCanBeReopened(t *testing.T) {
	for _, c := range []struct{ line, out, err string }{
		{"echo hi >/dev/stdout", "hi\n", ""},
		{"echo hi >>/proc/self/fd/1", "hi\n", ""},
		{"echo hi >/proc/$$/fd/1", "hi\n", ""},
		{"echo hi >/dev/stderr", "", "hi\n"},
		{"echo hi | tee /dev/fd/2", "hi\n", "hi\n"},
		{"cat /dev/stdin", "the input\n", ""},
		{"cat /dev/fd/0 >/dev/stdout", "the input\n", ""},
		{"exec 5>&1; echo hi >/proc/self/fd/5", "hi\n", ""},
	} {
		for _, streams := range []string{"pipes", "files"} {
			for _, preset := range []string{"basic", "standard"} {
				t.Run(strings.Join([]string{c.line, streams, preset}, " "), func(t *testing.T) {
					cmd, _ := box(t, c.line, "--policy", preset)
					out, errs, err := withStreams(t, cmd, streams == "files")
					if err != nil || out != c.out || errs != c.err {
						t.Errorf("%v, %q, %q; want %q, %q", err, out, errs, c.out, c.err)
					}
				})
			}
		}
	}
}

// Under strict and maximum a shell can't start another program, so these programs open the streams
// themselves.
func TestTheStandardStreamsCanBeReopenedUnderEveryPreset(t *testing.T) {
	box(t, "")
	for _, preset := range []string{"strict", "maximum"} {
		for _, files := range []bool{false, true} {
			cmd := exec.Command(binary, "run", "-q", "--best-effort", "--policy", preset, "--",
				"cat", "/dev/stdin")
			if out, errs, err := withStreams(t, cmd, files); err != nil || out != "the input\n" {
				t.Errorf("%s, files %v: %v, %q, %q", preset, files, err, out, errs)
			}
		}
	}
	for _, files := range []bool{false, true} {
		cmd := exec.Command(binary, "run", "-q", "--best-effort", "--policy", "strict", "--", "cp",
			"/dev/stdin", "/dev/stdout")
		if out, errs, err := withStreams(t, cmd, files); err != nil || out != "the input\n" {
			t.Errorf("strict, cp, files %v: %v, %q, %q", files, err, out, errs)
		}
	}
}

// mcpbox does not change how the tool opens other files, and new files have the requested mode.
func TestOpensOfOtherFilesAreUnchanged(t *testing.T) {
	cmd, _ := box(t, `umask 027; echo x >/tmp/f && stat -c %a:%s /tmp/f; echo y >/usr/f`)
	out, errs, err := withStreams(t, cmd, true)
	if err == nil || out != "640:2\n" || !strings.Contains(errs, "Read-only file system") &&
		!strings.Contains(errs, "Permission denied") {
		t.Errorf("%v, %q, %q", err, out, errs)
	}
}

// withStreams runs cmd with an input and returns its output. The streams are pipes, or files that
// only their owner may open.
func withStreams(t *testing.T, cmd *exec.Cmd, files bool) (stdout, stderr string, err error) {
	t.Helper()
	const input = "the input\n"
	if !files {
		var out, errs strings.Builder
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
		err = cmd.Run()
		return out.String(), errs.String(), err
	}
	dir := t.TempDir()
	names := []string{filepath.Join(dir, "in"), filepath.Join(dir, "out"),
		filepath.Join(dir, "err")}
	for i, content := range []string{input, "", ""} {
		if err := os.WriteFile(names[i], []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var opened [3]*os.File
	for i, flags := range []int{os.O_RDONLY, os.O_WRONLY, os.O_WRONLY} {
		if opened[i], err = os.OpenFile(names[i], flags, 0); err != nil {
			t.Fatal(err)
		}
		defer opened[i].Close()
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = opened[0], opened[1], opened[2]
	err = cmd.Run()
	out, err1 := os.ReadFile(names[1])
	errs, err2 := os.ReadFile(names[2])
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return string(out), string(errs), err
}
