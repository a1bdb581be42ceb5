package code

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/pool"
)

func tier(t testing.TB, name string) *policies.Policy {
	t.Helper()
	p, err := policies.Preset(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func testPool(t *testing.T) *Pool {
	t.Helper()
	testhost.Need(t, "sandbox")
	p := pool.New(pool.Config{Wait: time.Minute})
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return NewPool(p)
}

// seen is what must be the same in a cell and in a sandbox of its own.
func seen(t *testing.T, r Runner, req Request) map[string]any {
	t.Helper()
	req.Stdin = strings.NewReader("input\nmore\n")
	res, err := r.Run(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range res.Files {
		files = append(files, f.Name+" "+string(f.Data))
	}
	var events []string
	for _, e := range res.Events {
		events = append(events, string(e.Type)+" "+e.Action)
	}
	return map[string]any{"status": res.Status, "exit": res.ExitCode, "out": res.Stdout,
		"err":   res.Stderr,
		"files": files, "layers": res.Layers, "limits": res.Limits, "events": events,
		"reason": res.Reason,
		"guard":  res.Guard.Findings}
}

// script looks at all that a script can know of how it was started.
var scripts = map[string][]string{
	"python": {
		`import sys, json
print(sys.argv, sys.orig_argv, __name__, __file__, __cached__, type(__loader__).__name__, __spec__, __doc__)
print(sorted(sys.modules), sys.path, sys.flags, sorted(globals()), __annotations__)
print(sys.stdin.readline(), sys.stdin.read(), sys.stdin.encoding, sys.stdout.encoding, sys.getrecursionlimit())`,
		"def f(x):\n    return 1 / x\n\n\ntry:\n    f(0)\nexcept ZeroDivisionError:\n    import " +
			"traceback; traceback.print_exc()\nf(0)\n",
		"import sys\nsys.exit('words')",
		"raise SystemExit(7)",
		"x = (\n",
		"def f(:\n",
		"\xff\xfe",
		"raise KeyboardInterrupt",
		"import atexit\natexit.register(lambda: print('bye'))\nclass A:\n    def __del__(self): " +
			"print('gone')\na = A()\nraise ValueError('v') from KeyError('k')",
		"import sys\nsys.excepthook = lambda t, v, tb: print('hook', v, tb.tb_lineno)\n\nboom",
		"import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start(); t.join(); " +
			"print('on')",
		"def f(n): return f(n + 1)\ntry: f(0)\nexcept RecursionError as e: print(e)",
		"import inspect\ndef f(): pass\nprint(inspect.getsource(f), open(__file__).read(1))",
		"open('/work/out/a.txt', 'w').write('ä'); import os; os.makedirs('/work/out/b'); " +
			"open('/work/out/b/c', 'w').write('2')",
		"import os; print(sorted(os.listdir('/work')), os.stat('/work/main.py').st_mode, " +
			"os.getuid(), os.umask(0), sorted(os.environ))",
		"import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
		"print(open('/work/data/x.txt').read()); import sub.mod",
		"from dataclasses import dataclass\nimport pickle\n@dataclass\nclass P:\n    x: " +
			"int\nprint(pickle.loads(pickle.dumps(P(1))), P.__module__)",
		"import warnings; warnings.warn('careful')",
		"import os; os.fork() or os._exit(0); print('parent'); os.wait()",
		"import multiprocessing as m\nif __name__ == '__main__':\n    p = " +
			"m.get_context('fork').Process(target=print, args=('child',)); p.start(); p.join()",
	},
	"node": {
		`console.log(process.argv, process.execArgv, __filename, __dirname, require.main === module, Object.keys(require.cache),
Object.keys(globalThis), process.stdin.isTTY, module.paths, process.title)`,
		"process.stdin.on('data', d => process.stdout.write('got ' + d))",
		"function f() { throw new Error('x') }\n\nf()",
		"process.exit(3)",
		"let x = ;",
		"Promise.reject(new Error('r'))",
		"require('fs').writeFileSync('/work/out/a', 'x'); " +
			"console.log(require('fs').readdirSync('/work'), require('fs').readdirSync('/tmp'), " +
			"process.umask())",
		"console.log(require('./data/x.txt.js'))",
		"setTimeout(() => console.log('later'), 10); process.on('exit', c => console.log('exit', " +
			"c))",
		"await 1",
	},
	"bash": {`echo "$0 $*"; read a; echo "$a"; ls /work; exit 4`},
	"perl": {`print "$0 @ARGV\n"; print scalar <STDIN>; die "x"`},
	"c": {"#include <stdio.h>\nint main(int c, char **v) { printf(\"%d %s\\n\", c, v[0]); " +
		"return 5; }", "int main("},
}

func TestASnippetInACellIsAsInASandbox(t *testing.T) {
	p := testPool(t)
	for language, all := range scripts {
		for _, name := range []string{"code-standard", "code-secure"} {
			t.Run(language+"/"+name, func(t *testing.T) {
				policy := tier(t, name)
				policy.Guard.Mode = policies.GuardWarn
				for _, source := range all {
					req := Request{Language: language, Code: []byte(source),
						Args: []string{"a b", "", "ü"}, Files: []File{
							{Name: "data/x.txt", Data: []byte("data")},
							{Name: "data/x.txt.js", Data: []byte("module.exports = 5")},
							{Name: "sub/mod.py", Data: []byte("raise ImportError('mine')")}}}
					cold := seen(t, Runner{Policy: policy, BestEffort: true}, req)
					warm := seen(t, Runner{Policy: policy, BestEffort: true, Pool: p}, req)
					for k := range cold {
						if !reflect.DeepEqual(cold[k], warm[k]) {
							t.Errorf("%s\n%s in a sandbox: %v\n%s in a cell: %v", source, k,
								cold[k], k, warm[k])
						}
					}
				}
			})
		}
	}
}

// Interpreters are no copies of each other: nothing that they draw is what another one drew.
func TestInterpretersThatWaitShareNoRandomness(t *testing.T) {
	n := 200
	if testing.Short() {
		n = 20
	}
	p := testPool(t)
	numpy := "None"
	for language, source := range map[string]string{
		"python": `import json, random, secrets, uuid, ctypes
try:
    import numpy; n = str(numpy.random.random())
except ImportError: n = None
print(json.dumps({'random': random.random(), 'secrets': secrets.token_hex(), 'hash': hash('x'), 'uuid': str(uuid.uuid4()),
  'address': id(object()), 'stack': ctypes.addressof(ctypes.c_int()), 'libc': ctypes.cast(ctypes.CDLL(None).printf, ctypes.c_void_p).value, 'numpy': n}))`,
		"node": `console.log(JSON.stringify({random: Math.random(), uuid: crypto.randomUUID(), bytes: require('crypto').randomBytes(8).toString('hex')}))`,
	} {
		if language == "python" {
			testhost.Need(t, "python3")
		}
		seen := map[string]map[any]bool{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		turns := make(chan bool, 4)
		for range n {
			wg.Go(func() {
				turns <- true
				defer func() { <-turns }()
				r := Runner{Policy: tier(t, "code-standard"), BestEffort: true, Pool: p}
				res, err := r.Run(context.Background(), Request{Language: language,
					Code: []byte(source)})
				if err != nil || !res.Success {
					t.Errorf("%v, %+v", err, res)
					return
				}
				var drawn map[string]any
				from := bytes.NewReader([]byte(res.Stdout))
				if err := json.NewDecoder(from).Decode(&drawn); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				for what, value := range drawn {
					if seen[what] == nil {
						seen[what] = map[any]bool{}
					}
					if value == nil {
						numpy = "not installed"
						continue
					}
					if seen[what][value] {
						t.Errorf("%s: %s is %v twice", language, what, value)
					}
					seen[what][value] = true
				}
			})
		}
		wg.Wait()
	}
	t.Logf("numpy: %s", numpy)
}
