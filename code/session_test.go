package code

import (
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/testhost"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// step is one snippet of a session, and what it gives.
type step struct {
	code, stdin, out string
	err              string // a part of stderr
	exit             int
	ended            bool
}

func TestASessionKeepsItsState(t *testing.T) {
	p := testPool(t)
	for language, steps := range map[string][]step{
		"python": {
			{code: "import os\nx = 41\ndef f(): return 1 / 0\nprint(__name__, __file__, " +
				"os.listdir('/work'))", out: "__main__ /work/main.py ['main.py', 'out']\n"},
			{code: "x += 1; print(x)\nopen('/work/a', 'w').write('kept')", out: "42\n"},
			{code: "print(open('/work/a').read(), input()); " +
				"f()", stdin: "in", out: "kept in\n", exit: 1,
				err: "  File \"/work/main.py\", line 3, in f\n    def f(): return 1 / 0"},
			{code: "x = (", exit: 1, err: "File \"/work/main_4.py\", line 1"},
			{code: "raise SystemExit(3)", exit: 3},
			{code: "import sys; sys.exit('bye')", exit: 1, err: "bye\n"},
			{code: "import sys; print(x, sys.stdin.read(), sys.argv)",
				out: "42  ['/work/main_7.py', 'arg']\n"},
			{code: "import os; os._exit(9)", exit: 9, ended: true},
			{code: "print('x' in globals())", out: "False\n"},
			{code: "import os, signal; os.kill(os.getpid(), " +
				"signal.SIGKILL)", exit: 137, ended: true},
		},
		"node": {
			{code: "const a = 20; let b = 1; function f() { throw new Error('f') }; " +
				"setTimeout(() => console.log('later', a), 5)", out: "later 20\n"},
			{code: "b++; console.log(a + b, __filename, process.argv.slice(2), " +
				"require('fs').readdirSync('/work/out'))", out: "22 /work/main_2.js [ 'arg' ] " +
				"[]\n"},
			{code: "f()", exit: 1, err: "Error: f\n    at f (/work/main.js:1:"},
			{code: "Promise.reject(new Error('r'))", exit: 1, err: "Error: r"},
			{code: "process.exit(4); console.log('no')", exit: 4},
			{code: "setTimeout(() => { throw new Error('t') }, 1)", exit: 1, err: "Error: t"},
			{code: "console.log(b)", out: "2\n"},
		},
		"bash": {
			{code: "x=5; cd /tmp; f() { echo \"f $1\"; }\nfalse", exit: 1},
			{code: "f $x; pwd; read -r line; echo \"$line $1\"", stdin: "in\n",
				out: "f 5\n/tmp\nin arg\n"},
			{code: "echo e >&2; exit 3", err: "e\n", exit: 3, ended: true},
			{code: "echo \"[$x]\"", out: "[]\n"},
		},
	} {
		t.Run(language, func(t *testing.T) {
			if _, err := (&job{Runner: Runner{Policy: tier(t, "code-standard")},
				language: must(Lookup(language))}).find(); err != nil {
				testhost.Lacks(t, "language", "%v", err)
			}
			r := Runner{Policy: tier(t, "code-standard"), BestEffort: true, Pool: p, Caller: "ann"}
			turn := 0
			for i, s := range steps {
				req := Request{Language: language, Code: []byte(s.code), Session: "s",
					Args: []string{"arg"}}
				if s.stdin != "" {
					req.Stdin = strings.NewReader(s.stdin)
				}
				res, err := r.Run(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				turn++
				if res.Stdout != s.out || !strings.Contains(res.Stderr, s.err) || s.err == "" &&
					res.Stderr != "" || res.ExitCode != s.exit ||
					res.Session.Turn != turn || res.Session.Ended != s.ended ||
					res.Layers["seccomp"] != mcpruntime.Enforced {
					t.Errorf("step %d %q: %s, exit %d, turn %+v\nout %q\nerr %q", i+1, s.code,
						res.Status, res.ExitCode, res.Session, res.Stdout, res.Stderr)
				}
				if s.ended {
					turn = 0
				}
			}
			p.CloseSession("ann", "s")
		})
	}
}

func must(l *Language, _ error) *Language { return l }

func TestWhatHasNoSessionsSaysSo(t *testing.T) {
	p := testPool(t)
	for name, r := range map[string]Runner{
		"no pool":  {Policy: tier(t, "code-standard")},
		"a guard":  {Policy: tier(t, "code-secure"), Pool: p},
		"language": {Policy: tier(t, "code-standard"), Pool: p},
	} {
		req := Request{Language: "python", Code: []byte("1"), Session: "s"}
		if name == "language" {
			req.Language = "perl"
		}
		if _, err := r.Run(t.Context(), req); err == nil || hint.Of(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFilesOfASessionComeBack(t *testing.T) {
	p := testPool(t)
	r := Runner{Policy: tier(t, "code-standard"), BestEffort: true, Pool: p}
	for i, code := range []string{"open('/work/out/a', 'w').write('1')",
		"open('/work/out/b', 'w').write(open('/work/d/e').read())"} {
		res, err := r.Run(t.Context(), Request{Language: "python", Code: []byte(code), Session: "f",
			Files: []File{{Name: "d/e", Data: []byte("data")}}})
		if err != nil || !res.Success || len(res.Files) != i+1 {
			t.Errorf("%v, %+v", err, res)
		}
	}
}
