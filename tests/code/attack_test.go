package code

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

func python(t *testing.T, code string, args ...string) result {
	t.Helper()
	testhost.Need(t, "sandbox", "python3")
	return run(t, []byte(code), append(args, "--lang", "python", "-")...)
}

func TestAnEndWithoutCleaningUpLosesNoOutput(t *testing.T) {
	r := python(t,
		"import os, sys\nsys.stdout.write('half a line'); sys.stdout.flush(); os._exit(9)")
	if r.Stdout != "half a line" || r.ExitCode != 9 || r.Status != "failed" {
		t.Errorf("%+v", r)
	}
}

func TestClosedDescriptors(t *testing.T) {
	r := python(
		t,
		"import os\nos.write(1, b'before')\nfor fd in range(0, 256):\n    try: os.close(fd)\n    "+
			"except OSError: pass\nos._exit(0)",
	)
	if r.Stdout != "before" || r.ExitCode != 0 {
		t.Errorf("%+v", r)
	}
}

func TestNobodyElseCanBeKilled(t *testing.T) {
	r := python(
		t,
		"import os\nfor pid in (1, os.getppid(), 2, 3, 4):\n    try:\n        if pid not in (0, "+
			"os.getpid()): os.kill(pid, 9); print('killed', pid)\n    except OSError as e: "+
			"pass\nprint('end')",
	)
	if !strings.HasSuffix(r.Stdout, "end\n") || strings.Contains(r.Stdout, "killed") ||
		r.Status != "ok" {
		t.Errorf("%+v", r)
	}
	r = python(
		t,
		"import os\nos.kill(-1, 9)\nprint('alive')",
	) // everybody but PID 1, and itself only then: kill(2)
	if r.Status != "ok" && r.Status != "signaled" && r.Status != "failed" {
		t.Errorf("%+v", r)
	}
}

func TestBinaryOutputIsValidText(t *testing.T) {
	r := python(t, "import os\nos.write(1, bytes(range(256)) * 10)\nos.write(1, '€'.encode()[:2])")
	if r.StdoutBytes != 2562 || !strings.Contains(r.Stdout, "abc") ||
		!strings.Contains(r.Stdout, "\uFFFD") {
		t.Errorf("%d bytes: %q", r.StdoutBytes, r.Stdout)
	}
}

func TestLongOutputIsCutVisiblyAndKeepsItsEnd(t *testing.T) {
	r := python(t, "for i in range(100000): print('€', i)")
	if len(r.Stdout) > 140<<10 || !strings.HasPrefix(r.Stdout, "€ 0\n") ||
		!strings.HasSuffix(r.Stdout, "€ 99999\n") ||
		!strings.Contains(r.Stdout, " bytes cut] …\n") {
		t.Errorf("%d bytes kept, %d in all: %.50q", len(r.Stdout), r.StdoutBytes, r.Stdout)
	}
	if strings.Contains(r.Stdout, "\uFFFD") {
		t.Error("the cut went through a character")
	}
}

func TestEndlessInput(t *testing.T) {
	r := python(t, "import sys\nprint(len(sys.stdin.buffer.read(1000000)))", "--stdin", "/dev/zero")
	if r.Stdout != "1000000\n" || r.Status != "ok" {
		t.Errorf("%+v", r)
	}
	r = python(t, "while True: len(open(0, 'rb').read(1000000))", "--stdin", "/dev/zero")
	if r.Status != "timeout" && r.Status != "failed" && r.Status != "memory_limit" {
		t.Errorf("%+v", r)
	}
}

func TestABackgroundProcessDoesNotOutliveTheSnippet(t *testing.T) {
	r := python(
		t,
		"import subprocess\nsubprocess.Popen(['sh', '-c', 'sleep 1000; echo late'], "+
			"start_new_session=True)\nprint('end')",
	)
	if r.Stdout != "end\n" || r.Status != "ok" || r.Time > 8 {
		t.Errorf("%+v", r)
	}
}

func TestForkBombs(t *testing.T) {
	testhost.Need(t, "sandbox")
	for language, code := range map[string]string{"bash": ":(){ :|:& };:", "perl": "fork while 1",
		"python": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"} {
		r := run(t, []byte(code), "--lang", language, "-")
		if r.Status == "setup_error" || r.Time > 30 {
			t.Errorf("%s: %s after %.1f s", language, r.Status, r.Time)
		}
		t.Logf("%s: %s after %.1f s", language, r.Status, r.Time)
	}
}

func TestOnlyRegularFilesOfItsOwnComeBack(t *testing.T) {
	out := filepath.Join(t.TempDir(), "res")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("launch code"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := python(t, fmt.Sprintf(`
import os, socket
os.chdir("/work/out")
os.symlink("/etc/passwd", "link"); os.symlink("/", "root"); os.symlink(%q, "host"); os.symlink("/proc/self/root", "magic")
os.mkfifo("fifo"); socket.socket(socket.AF_UNIX).bind("sock")
os.mkdir("d"); os.symlink("..", "d/up"); os.symlink("/work", "d/work")
open("d/good", "w").write("good"); open("bad\nname", "w").write("x"); open("bad\x1b[31m", "w").write("x")
os.link("d/good", "hard")
open("large", "wb").truncate(9 << 20)
try: open("huge", "wb").truncate(1 << 40)
except OSError: pass
p = "deep"
for i in range(40): os.mkdir(p); p += "/d"
open(p[:-2] + "/f", "w").write("x")
open("closed", "w").write("x"); os.chmod("closed", 0); os.mkdir("locked"); open("locked/f", "w").write("x"); os.chmod("locked", 0)
`, secret), "--out", out)
	var names []string
	for _, f := range r.Files {
		names = append(names, f.Name)
	}
	for _, bad := range []string{"link", "root", "host", "magic", "fifo", "sock", "large", "d/up",
		"d/work"} {
		for _, n := range names {
			if n == bad || strings.HasPrefix(n, bad+"/") {
				t.Errorf("%s came back", n)
			}
		}
	}
	if got, err := os.ReadFile(filepath.Join(out, "d", "good")); err != nil ||
		string(got) != "good" {
		t.Errorf("the good file: %q, %v (%v, %s)", got, err, names, r.Stderr)
	}
	if r.FilesLeft < 10 {
		t.Errorf("%d left behind only; %v", r.FilesLeft, names)
	}
	filepath.Walk(out, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
			t.Errorf("%s is %v", path, info.Mode())
		}
		return nil
	})
}

func TestTheFolderItselfExchanged(t *testing.T) {
	for _, to := range []string{"os.symlink('/etc', '/work/out')", "open('/work/out', 'w')",
		"os.symlink('/proc/1/root', '/work/out')", "os.mkfifo('/work/out')", "None"} {
		r := python(t, "import os\nos.rmdir('/work/out')\n"+to+"\nprint('end')")
		if len(r.Files) != 0 || r.Status != "ok" || r.Stdout != "end\n" {
			t.Errorf("%s: %+v", to, r)
		}
	}
}

func TestAMillionSmallFiles(t *testing.T) {
	r := python(
		t,
		"import os\nn = 0\ntry:\n    while n < 1_000_000:\n        open(f'/work/out/{n}', "+
			"'w').close(); n += 1\nexcept OSError as e: print(e.errno)\n",
	)
	if len(r.Files) > 64 || r.FilesLeft == 0 {
		t.Errorf("%d files came back, %d were left", len(r.Files), r.FilesLeft)
	}
	t.Logf("%s, %s: %d files came back", r.Status, strings.TrimSpace(r.Stdout), len(r.Files))
}

// The parser has an attacker too.
func TestTheGuardIsBounded(t *testing.T) {
	for name, code := range map[string]string{
		"nested": strings.Repeat("(", 100000), "wide": "x = [" + strings.Repeat("1,", 120000) + "]",
		"folded": "x = " + strings.Repeat("(1<<19**4,)*4**7,", 3),
		"power":  "x = 9**9**9**9", "text": "x = 'a' * 10**10", "unicode": "x = '" +
			strings.Repeat("\\N{SNOWMAN}", 20000) + "'", "nul": "print(1)\x00",
		"not text": "x = '\xff\xfe'",
		"join":     "x = '" + strings.Repeat("a", 60000) + "'.join(['b'] * 4000)",
		"format":   "x = '{:>99999999}'.format(1)", "percent": "x = '%99999999d' % 1",
		"chain": "x = 1" + strings.Repeat(".real", 20000),
	} {
		r := python(t, code, "--tier", "secure")
		if r.Status == "setup_error" || r.Time > 20 {
			t.Errorf("%s: %+v", name, r)
		}
		t.Logf("%-9s %-9s analysed %v", name, r.Status, r.Guard.Analysed)
	}
}

// Orphans become this process's children. prctl(2), PR_SET_CHILD_SUBREAPER
func TestTwoHundredInARowAndTwentyAtOnceLeaveNothing(t *testing.T) {
	testhost.Need(t, "sandbox", "python3", "proc-children")
	if testing.Short() {
		t.Log("short: 20 in a row")
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		t.Fatal(err)
	}
	before := mounts(t)
	t.Setenv("TMPDIR", t.TempDir()) // nobody else's files are there
	in := func(n int) {
		if r := python(
			t,
			fmt.Sprintf("open('/work/out/x', 'w').write('%d')\nprint(%d)", n, n),
		); r.Stdout != fmt.Sprintf("%d\n", n) ||
			len(r.Files) != 1 {
			t.Errorf("run %d: %+v", n, r)
		}
	}
	rows := 200
	if testing.Short() {
		rows = 20
	}
	for n := range rows {
		in(n)
	}
	var all sync.WaitGroup
	for n := range 20 {
		all.Add(1)
		go func() {
			defer all.Done()
			in(n)
		}()
	}
	all.Wait()
	children, err := os.ReadFile(fmt.Sprintf("/proc/self/task/%d/children", os.Getpid()))
	if err != nil || len(strings.TrimSpace(string(children))) > 0 {
		t.Errorf("processes left: %s (%v)", children, err)
	}
	if n := mounts(t); n != before {
		t.Errorf("%d mounts left", n-before)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) > 0 {
		t.Errorf("left in %s: %v, %v", os.TempDir(), left, err)
	}
}

func mounts(t *testing.T) int {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(data), "mcpbox")
}
