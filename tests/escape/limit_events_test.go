package escape

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"

	"os"
)

// The file is too large for the limit before a byte is written. The program ignores SIGXFSZ, as
// Python and Node.js do, and only hears EFBIG.
func TestAFileThatIsMadeTooLargeIsReported(t *testing.T) {
	for name, call := range map[string]string{
		"ftruncate": "ftruncate(fd, 2 << 20)", "fallocate": "fallocate(fd, 0, 0, 2 << 20)",
	} {
		t.Run(name, func(t *testing.T) {
			hold(t, claim{
				attack: `signal(SIGXFSZ, SIG_IGN); int fd = TRY(open("/tmp/large", O_CREAT | O_WRONLY | O_TRUNC, 0600)); TRY(` +
					call + `); unlink("/tmp/large");`,
				presets: []string{"standard", "strict"}, // maximum writes no files
				flags:   []string{"--file-size", "1MiB"},
				events:  []string{"file_size"},
			})
		})
	}
}

// limitState is what a result says of a limit.
type limitState struct {
	Backend  string
	Reported *bool
}

// limitsOfARun runs a program under every limit, and returns what the result says of them.
func limitsOfARun(t *testing.T) map[string]limitState {
	t.Helper()
	result := filepath.Join(t.TempDir(), "result")
	out, err := exec.Command(mcpbox, "run", "-q", "--timeout", "1m", "--cpu-time", "1m", "--output",
		"1MiB", "--result", result, "--", "true").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(result)
	if err != nil {
		t.Fatal(err)
	}
	var res struct{ Limits map[string]limitState }
	if err := json.Unmarshal(data, &res); err != nil {
		t.Fatal(err)
	}
	return res.Limits
}

// A result says of each limit whether running into it is always an event.
func TestTheResultSaysWhichLimitsAreReported(t *testing.T) {
	t.Parallel()
	res := limitsOfARun(t)
	want := map[string]bool{"timeout": true, "cpu_time": true, "output": true, "memory": true,
		"pids": res["pids"].Backend != "rlimit", "disk": false, "file_size": false,
		"open_files": false}
	for name, reported := range want {
		l, ok := res[name]
		if !ok || l.Reported == nil || *l.Reported != reported {
			t.Errorf("%s: %+v, want %v", name, l, reported)
		}
	}
}
