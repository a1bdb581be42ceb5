package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/server/api"
)

func TestExecutions(t *testing.T) {
	d := start(t, folder(t), "drain: 20s\n")
	t.Run("a command runs in a sandbox", func(t *testing.T) {
		x, err := d.Run(
			background(t),
			api.ExecutionRequest{Command: []string{"sh", "-c", "cat; echo $A >&2; pwd; exit 3"},
				Stdin: "hello\n", Env: map[string]string{"A": "b"}, Dir: "/tmp", Caller: "ann"},
		)
		if err != nil {
			t.Fatal(err)
		}
		r := x.Result
		if r.Stdout != "hello\n/tmp\n" || r.Stderr != "b\n" || r.ExitCode != 3 ||
			r.Status != "failed" ||
			r.Success {
			t.Errorf("result %+v", r)
		}
		if r.Layers["seccomp"] != "enforced" || x.Caller != "ann" ||
			!strings.HasPrefix(x.Client, "uid:") {
			t.Errorf("layers %v, caller %q, client %q", r.Layers, x.Caller, x.Client)
		}
		kept, err := d.Execution(background(t), x.ID)
		if err != nil || kept.Result.Stdout != r.Stdout {
			t.Errorf("kept: %+v, %v", kept, err)
		}
	})
	t.Run("code runs, with files in and out", func(t *testing.T) {
		x, err := d.Run(
			background(t),
			api.ExecutionRequest{
				Language: "sh",
				Code:     "tr a-z A-Z <in.txt >out/out.txt; echo $1",
				Args:     []string{"x"},
				Files:    []api.File{{Path: "in.txt", Text: "data"}},
			},
		)
		if err != nil {
			t.Fatal(err)
		}
		if r := x.Result; r.Stdout != "x\n" || len(r.Files) != 1 ||
			string(r.Files[0].Data) != "DATA" ||
			x.Policy != "code-standard" {
			t.Errorf("policy %s, result %+v", x.Policy, x.Result)
		}
	})
	t.Run("a command gets files", func(t *testing.T) {
		x, err := d.Run(
			background(t),
			api.ExecutionRequest{
				Command: []string{"cat", "a/b.txt"},
				Files:   []api.File{{Path: "a/b.txt", Data: []byte("\x01x")}},
			},
		)
		if err != nil || x.Result.Stdout != "\x01x" {
			t.Errorf("%+v, %v", x, err)
		}
	})
	t.Run("a stream has a line for each thing", func(t *testing.T) {
		var kinds []string
		var out string
		err := d.Stream(
			background(t),
			api.ExecutionRequest{Command: []string{"printf", `a\377b`}},
			func(m api.Message) error {
				kinds, out = append(kinds, m.Kind), out+string(m.Bytes())
				return nil
			},
		)
		if err != nil || strings.Join(kinds, " ") != "started stdout result" || out != "a\xffb" {
			t.Errorf("%v %q %v", kinds, out, err)
		}
	})
	t.Run("a result is waited for and kept", func(t *testing.T) {
		x, err := d.Start(background(t), api.ExecutionRequest{Command: []string{"echo", "later"}})
		if err != nil || x.State != api.Running {
			t.Fatalf("%+v, %v", x, err)
		}
		if x, err = d.Wait(background(t), x.ID); err != nil || x.State != api.Finished ||
			x.Result.Stdout != "later\n" {
			t.Errorf("%+v, %v", x, err)
		}
	})
	t.Run("one that runs is listed and canceled", func(t *testing.T) {
		x, err := d.Start(background(t), api.ExecutionRequest{Command: []string{"sleep", "600"}})
		if err != nil {
			t.Fatal(err)
		}
		list, err := d.Executions(background(t), "state=running")
		if err != nil || len(list.Executions) != 1 || list.Executions[0].ID != x.ID {
			t.Fatalf("running: %+v, %v", list, err)
		}
		if status, body, _ := d.raw(
			t,
			"GET",
			"/v1/executions/"+x.ID+"/report",
			"",
		); status != http.StatusConflict {
			t.Errorf("the report of one that runs: %d %s", status, body)
		}
		if x, err = d.Cancel(background(t), x.ID); err != nil || x.State == api.Running {
			t.Errorf("%+v, %v", x, err)
		}
	})
	t.Run("its time is bounded", func(t *testing.T) {
		x, err := d.Run(background(t),
			api.ExecutionRequest{Command: []string{"sleep", "600"}, Timeout: 0.2})
		if err != nil || x.Result.Status != "timeout" {
			t.Errorf("%+v, %v", x, err)
		}
	})
	t.Run("pages", func(t *testing.T) {
		list, err := d.Executions(background(t), "limit=2")
		if err != nil || len(list.Executions) != 2 || list.Next == "" {
			t.Fatalf("%+v, %v", list, err)
		}
		next, err := d.Executions(background(t), "limit=2&before="+list.Next)
		if err != nil || len(next.Executions) != 2 ||
			next.Executions[0].ID == list.Executions[1].ID {
			t.Errorf("%+v, %v", next, err)
		}
	})
	t.Run("what is kept of a caller can be erased", func(t *testing.T) {
		status, body, _ := d.raw(t, "DELETE", "/v1/callers/ann", "")
		if status != 200 || !strings.Contains(body, `"executions":1`) {
			t.Errorf("%d %s", status, body)
		}
		if list, err := d.Executions(background(t), "caller=ann"); err != nil ||
			len(list.Executions) != 0 {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

func TestAClientThatGoesAwayEndsWhatItWaitsFor(t *testing.T) {
	d := start(t, folder(t), "")
	ctx, leave := context.WithCancel(background(t))
	started := make(chan string, 1)
	go func() {
		_ = d.Stream(
			ctx,
			api.ExecutionRequest{Command: []string{"sh", "-c", "echo up; sleep 600"}},
			func(m api.Message) error {
				if m.Execution != nil {
					started <- m.Execution.ID
				}
				if m.Kind == api.KindStdout {
					leave()
				}
				return nil
			},
		)
	}()
	id := <-started
	x, err := d.Wait(background(t), id)
	if err != nil || x.State == api.Running {
		t.Errorf("%+v, %v", x, err)
	}
}

func TestAnIdempotencyKeyRunsOnce(t *testing.T) {
	d := start(t, folder(t), "")
	const body = `{"command": ["sh", "-c", "cat /proc/sys/kernel/random/uuid"]}`
	_, first, _ := d.raw(t, "POST", "/v1/executions", body, "Idempotency-Key", "k1")
	_, second, _ := d.raw(t, "POST", "/v1/executions", body, "Idempotency-Key", "k1")
	if first == "" || strings.TrimSpace(first) != strings.TrimSpace(second) {
		t.Errorf("first:\n%s\nsecond:\n%s", first, second)
	}
	_, other, _ := d.raw(t, "POST", "/v1/executions", body, "Idempotency-Key", "k2")
	if other == first {
		t.Error("another key got the same answer")
	}
	if status, p, _ := d.raw(
		t,
		"POST",
		"/v1/executions",
		`{"command": ["true"]}`,
		"Idempotency-Key",
		"k1",
	); status != 422 {
		t.Errorf("the key with another request: %d %s", status, p)
	}
}

func TestMistakesGetAProblemWithARemedy(t *testing.T) {
	d := start(t, folder(t), "")
	for _, c := range []struct {
		what, method, path, body string
		status                   int
	}{
		{"no body", "POST", "/v1/executions", "", 400},
		{"no JSON", "POST", "/v1/executions", "{", 400},
		{"a misspelt key", "POST", "/v1/executions", `{"command": ["true"], "timeuot": 1}`, 400},
		{"two objects", "POST", "/v1/executions", `{"command": ["true"]} {}`, 400},
		{"nothing to run", "POST", "/v1/executions", `{}`, 422},
		{"both", "POST", "/v1/executions",
			`{"command": ["true"], "code": "1", "language": "python"}`, 422},
		{"a program that is not there", "POST", "/v1/executions",
			`{"command": ["no-such-program"]}`, 422},
		{"a folder that is not there", "POST", "/v1/executions",
			`{"command": ["true"], "dir": "/no/such"}`, 422},
		{"a NUL", "POST", "/v1/executions", `{"command": ["echo", "a\u0000b"]}`, 422},
		{"a policy that is not there", "POST", "/v1/executions",
			`{"command": ["true"], "policy": "standart"}`, 422},
		{"a policy file of the host", "POST", "/v1/executions",
			`{"command": ["true"], "policy": "/etc/passwd"}`, 422},
		{"a document that reads files", "POST", "/v1/executions",
			`{"command": ["true"], "policy_document": {"version": 1, "extends": "./x.yaml"}}`, 422},
		{"a language that is not there", "POST", "/v1/executions",
			`{"code": "1", "language": "cobol"}`, 422},
		{"a file outside", "POST", "/v1/executions",
			`{"code": "1", "language": "sh", "files": [{"path": "../x"}]}`, 422},
		{"a file at a place of the system", "POST", "/v1/executions",
			`{"command": ["true"], "files": [{"path": "/etc/x"}]}`, 422},
		{"a mode that is not there", "POST", "/v1/executions",
			`{"command": ["true"], "mode": "later"}`, 422},
		{"an execution that is not there", "GET", "/v1/executions/x-none", "", 404},
		{"a page that is no number", "GET", "/v1/executions?limit=all", "", 400},
		{"an address that is not there", "GET", "/v2", "", 404},
		{"a method that is not for it", "PATCH", "/v1/executions", "", 405},
		{"an event type that is not there", "GET", "/v1/events?type=none", "", 400},
	} {
		t.Run(c.what, func(t *testing.T) {
			status, body, h := d.raw(t, c.method, c.path, c.body)
			if status != c.status || h.Get("Content-Type") != api.ProblemType ||
				!strings.Contains(body, `"detail"`) {
				t.Errorf("%d %s %s, want %d", status, h.Get("Content-Type"), body, c.status)
			}
		})
	}
}

func TestTooManyAreToldWhenToComeBack(t *testing.T) {
	d := start(t, folder(t), "pool: {live: 1, queue: 1}\n")
	var ids []string
	for range 2 { // one runs, one waits
		x, err := d.Start(background(t), api.ExecutionRequest{Command: []string{"sleep", "600"}})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, x.ID)
	}
	deadline := time.Now().Add(patience)
	for s, _ := d.Stats(background(t)); s == nil || s.Pool.Waiting == 0; {
		s, _ = d.Stats(background(t))
		if time.Now().After(deadline) {
			t.Fatal("nobody waits")
		}
	}
	status, body, h := d.raw(t, "POST", "/v1/executions", `{"command": ["true"]}`)
	if status != http.StatusTooManyRequests || h.Get("Retry-After") == "" {
		t.Errorf("%d %s %v", status, body, h)
	}
	for _, id := range ids {
		if _, err := d.Cancel(background(t), id); err != nil {
			t.Error(err)
		}
	}
}
