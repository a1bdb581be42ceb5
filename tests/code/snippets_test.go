package code

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	mcpcode "github.com/mcpbox/mcpbox/code"
	"github.com/mcpbox/mcpbox/internal/testhost"
)

var update = flag.Bool("update", false, "write snippets/*.json by running every snippet bare")

// expected is what a snippet does bare.
type expected struct {
	Exit   int    `json:"exit"`
	Stdout string `json:"stdout"` // sha256:… if it is long
	Stderr string `json:"stderr"` // the last line
}

func short(text string) string {
	if len(text) <= 2000 {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// part is one snippet of a file.
type part struct{ name, code string }

// eachLanguage calls f in a test of its own for each file of snippets whose language is installed.
func eachLanguage(t *testing.T, f func(t *testing.T, language string, parts []part)) {
	t.Helper()
	files, err := filepath.Glob("snippets/*.txt")
	if err != nil || len(files) < 11 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	total := 0
	for _, file := range files {
		language := strings.TrimSuffix(filepath.Base(file), ".txt")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var parts []part
		for _, text := range strings.Split("\n"+string(data), "\n=== ")[1:] {
			name, code, _ := strings.Cut(text, "\n")
			parts = append(parts, part{name, code})
		}
		total += len(parts)
		t.Run(language, func(t *testing.T) {
			needLanguage(t, language)
			f(t, language, parts)
		})
	}
	if total < 150 {
		t.Errorf("%d snippets", total)
	}
}

// expectations are what the snippets of a language do bare.
func expectations(t *testing.T, language string) map[string]expected {
	t.Helper()
	golden := map[string]expected{}
	data, err := os.ReadFile("snippets/" + language + ".json")
	if err == nil {
		err = json.Unmarshal(data, &golden)
	}
	if err != nil {
		t.Fatal(err)
	}
	return golden
}

func TestSnippetsBehaveAsBare(t *testing.T) {
	testhost.Need(t, "sandbox")
	eachLanguage(t, func(t *testing.T, language string, parts []part) {
		if *update {
			writeExpectations(t, language, parts)
			return
		}
		golden := expectations(t, language)
		if len(parts) != len(golden) {
			t.Errorf("%d snippets, %d expectations", len(parts), len(golden))
		}
		for _, part := range parts {
			t.Run(part.name, func(t *testing.T) { same(t, language, part.code, golden[part.name]) })
		}
	})
}

func writeExpectations(t *testing.T, language string, parts []part) {
	golden := map[string]expected{}
	for _, part := range parts {
		golden[part.name] = bare(t, language, part.code, 10)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(golden); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("snippets/"+language+".json", b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, language, code string, want expected) {
	r := run(t, []byte(code), "--lang", language, "-")
	got := expected{r.ExitCode, short(r.Stdout), lastLine(r.Stderr)}
	if got != want {
		t.Errorf("status %s %s\ngot  %+v\nwant %+v\nstderr: %s", r.Status, r.Reason, got, want,
			r.Stderr)
	}
}

// needLanguage skips where a language is not installed.
func needLanguage(t *testing.T, name string) {
	t.Helper()
	if installed(name) {
		return
	}
	testhost.Lacks(t, "language", "%s is not installed", name)
}

var programs = map[string][]string{
	"python": {"python3"},
	"node":   {"node"},
	"bash":   {"bash"},
	"perl":   {"perl"},
	"ruby":   {"ruby"},
	"php":    {"php"},
	"lua":    {"lua5.4"},
	"c":      {"gcc"},
	"c++":    {"g++"},
	"java":   {"java"},
	"go":     {"go"},
	"rust":   {"/usr/bin/rustc"}, // a person's own compiler is not in the sandbox

	"typescript": {"node"},
}

// bare runs the snippet as root in a mount namespace that only has /work, /tmp and the home made
// private: no sandbox. After the given number of seconds, it is ended with exit code 124.
func bare(t *testing.T, name, code string, seconds int) expected {
	testhost.Need(t, "root")
	l, err := mcpcode.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, l.File), []byte(code), 0o644); err != nil {
		t.Fatal(err)
	}
	os.Chmod(dir, 0o755)
	quoted := func(words []string) string {
		var out []string
		for _, w := range words {
			w = strings.NewReplacer("PROGRAM", programs[name][0], "FILE", l.File, "BINARY",
				"/work/main").
				Replace(w)
			if w == l.File {
				w = "/work/" + w
			}
			out = append(out, "'"+w+"'")
		}
		return strings.Join(out, " ")
	}
	script := `set -e; ip link set lo up 2>/dev/null || true; src=` + dir + `; mount -t tmpfs tmpfs /mnt; cp "$src"/* /mnt/; mount -t tmpfs -o mode=0777 tmpfs /work; cp /mnt/* /work/; mkdir /work/out; chmod 777 /work/out
mount -t tmpfs -o mode=1777 tmpfs /tmp; mount -t tmpfs -o mode=0777 tmpfs /home; mkdir /home/user; chmod 777 /home/user; cd /work
`
	if l.Compile != nil {
		script += "env " + strings.Join(l.Env, " ") + " " + quoted(l.Compile) + "\n"
	}
	script += fmt.Sprintf("exec timeout %d ", seconds) +
		"setpriv --reuid 1000 --regid 1000 --clear-groups env -i " +
		"PATH=/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin HOME=/home/user USER=user " +
		"LANG=C.UTF-8 MCPBOX=1 " + strings.Join(l.Env, " ") + " " + quoted(l.Run) + "\n"
	cmd := exec.Command("unshare", "-m", "-n", "--propagation", "private", "bash", "-c", script)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	status := cmd.ProcessState.ExitCode()
	if ws := cmd.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
		status = 128 + int(ws.Signal())
	}
	valid := strings.ToValidUTF8(stdout.String(), "\uFFFD") // as a result has it
	return expected{status, short(valid), lastLine(stderr.String())}
}
