package server_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/report"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/internal/webhook"
)

// attack is refused, and reported.
var attack = []string{"python3", "-c", "import ctypes; ctypes.CDLL(None).ptrace(16, 1, 0, 0)"}

func TestEventsSayWhoseTheyAre(t *testing.T) {
	d := start(t, folder(t), "")
	follow := make(chan api.Event, 64)
	go func() {
		_ = d.Follow(background(t), url.Values{"severity": {"high"}}, func(e api.Event) error {
			follow <- e
			return nil
		})
	}()
	if _, err := d.Run(background(t), api.ExecutionRequest{Command: []string{"true"}}); err != nil {
		t.Fatal(err)
	}
	x, err := d.Run(background(t), api.ExecutionRequest{Command: attack, Caller: "mallory"})
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Result.Events) == 0 || x.Result.Events[0].Type != monitor.EscapeAttempt ||
		x.Result.Events[0].Call != nil {
		t.Fatalf("events of the result: %+v", x.Result.Events)
	}
	for query, want := range map[string]bool{"caller=mallory": true, "caller=ann": false,
		"execution=" + x.ID:                 true,
		"type=escape_attempt&severity=high": true, "severity=critical": false,
		"since=2200-01-01T00:00:00Z": false} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		page, err := d.Events(background(t), q)
		if err != nil || (len(page.Events) > 0) != want {
			t.Errorf("%s: %+v, %v", query, page, err)
		}
	}
	// Who follows may have come too late for the first attack, but not for all that follow.
	for deadline := time.Now().Add(patience); ; {
		again := api.ExecutionRequest{Command: attack, Caller: "mallory"}
		if _, err := d.Run(background(t), again); err != nil {
			t.Fatal(err)
		}
		select {
		case e := <-follow:
			if e.Caller != "mallory" || e.Execution == "" || e.Seq == 0 ||
				e.Type != monitor.EscapeAttempt {
				t.Errorf("followed: %+v", e)
			}
			return
		case <-time.After(100 * time.Millisecond):
			if time.Now().After(deadline) {
				t.Fatal("no event came")
			}
		}
	}
}

func TestAReportJudgesAnExecution(t *testing.T) {
	d := start(t, folder(t), "")
	x, err := d.Run(background(t), api.ExecutionRequest{Command: attack})
	if err != nil {
		t.Fatal(err)
	}
	var rep report.Report
	if err := d.Do(background(t), "GET", "/v1/executions/"+x.ID+"/report", nil, &rep); err != nil ||
		!rep.Risk.AtLeast(monitor.High) {
		t.Errorf("%+v, %v", rep, err)
	}
}

func TestTheDaemonsRulesHoldForEveryPolicy(t *testing.T) {
	d := start(
		t,
		folder(t),
		`rules: [{id: debugger, when: 'syscall == "ptrace"', action: kill}]`+"\n",
	)
	x, err := d.Run(background(t),
		api.ExecutionRequest{Command: append(attack[:2:2], attack[2]+"; print('survived')")})
	if err != nil || x.Result.Status != "violation" ||
		strings.Contains(x.Result.Stdout, "survived") {
		t.Errorf("%+v, %v", x, err)
	}
}

func TestAWebhookIsToldAgainAndSigned(t *testing.T) {
	type call struct {
		body []byte
		sign string
	}
	calls := make(chan call, 64)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		calls <- call{body, r.Header.Get(webhook.Header)}
		if len(calls) == 1 {
			w.WriteHeader(http.StatusBadGateway) // the first time, it does not work
		}
	}))
	defer hook.Close()
	dir := folder(t)
	write(t, filepath.Join(dir, "secret"), "key\n")
	d := start(t, dir, "webhooks: [{url: '"+hook.URL+"', secret_file: secret, severity: high}]\n")
	var got []call
	for deadline := time.Now().Add(patience); len(got) < 2; {
		if len(got) == 0 { // the daemon may not follow its own events yet
			if _, err := d.Run(
				background(t),
				api.ExecutionRequest{Command: attack, Caller: "mallory"},
			); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case c := <-calls:
			got = append(got, c)
		case <-time.After(200 * time.Millisecond):
			if time.Now().After(deadline) {
				t.Fatal("the webhook was not told")
			}
		}
	}
	for _, c := range got {
		mac := hmac.New(sha256.New, []byte("key"))
		mac.Write(c.body)
		var e api.Event
		if err := json.Unmarshal(c.body, &e); err != nil || e.Caller != "mallory" ||
			c.sign != hex.EncodeToString(mac.Sum(nil)) {
			t.Errorf("%s signed %q: %v", c.body, c.sign, err)
		}
	}
}

func TestWhatWasAnsweredIsThereAfterARestart(t *testing.T) {
	dir := folder(t)
	d := start(t, dir, "")
	x, err := d.Run(background(t), api.ExecutionRequest{Command: attack})
	if err != nil {
		t.Fatal(err)
	}
	d.end(t)
	d = start(t, dir, "")
	kept, err := d.Execution(background(t), x.ID)
	if err != nil || kept.State != api.Finished || len(kept.Result.Events) != len(x.Result.Events) {
		t.Errorf("%+v, %v", kept, err)
	}
	page, err := d.Events(background(t), url.Values{"execution": {x.ID}})
	if err != nil || len(page.Events) == 0 {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestADrainLetsWhatRunsFinish(t *testing.T) {
	d := start(t, folder(t), "drain: 30s\n")
	up, down := make(chan struct{}), make(chan error, 1)
	go func() {
		var out string
		err := d.Stream(
			background(t),
			api.ExecutionRequest{Command: []string{"sh", "-c", "echo up; sleep 2; echo end"}},
			func(m api.Message) error {
				if out == "" && m.Kind == api.KindStdout {
					close(up)
				}
				out += string(m.Bytes())
				return nil
			},
		)
		if err == nil && !strings.HasSuffix(out, "end\n") {
			err = errors.New("the output is " + out)
		}
		down <- err
	}()
	<-up
	d.end(t)
	if err := <-down; err != nil {
		t.Errorf("what ran was not let finish: %v", err)
	}
	if _, err := d.Version(background(t)); err == nil {
		t.Error("it still answers")
	}
}

func TestADrainHasAnEnd(t *testing.T) {
	dir := folder(t)
	d := start(t, dir, "drain: 1s\n")
	x, err := d.Start(background(t), api.ExecutionRequest{Command: []string{"sleep", "600"}})
	if err != nil {
		t.Fatal(err)
	}
	d.end(t)
	d = start(t, dir, "")
	if x, err = d.Execution(background(t), x.ID); err != nil || x.State == api.Running {
		t.Errorf("%+v, %v", x, err)
	}
}

func TestANewConfigIsTakenWhileCallsRun(t *testing.T) {
	dir := folder(t)
	d := start(t, dir, "")
	x, err := d.Start(background(t), api.ExecutionRequest{Command: []string{"sleep", "600"}})
	if err != nil {
		t.Fatal(err)
	}
	has := func(name string) bool {
		var p api.Policies
		if err := d.Do(background(t), "GET", "/v1/policies", nil, &p); err != nil {
			t.Fatal(err)
		}
		return strings.Contains(strings.Join(p.Policies, " "), name)
	}
	write(t, filepath.Join(dir, "notes.yaml"), "version: 1\nextends: standard\n")
	write(t, filepath.Join(dir, "serve.yaml"), "version: 1\npolicies: {notes: notes.yaml}\n")
	d.reload <- struct{}{}
	d.reload <- struct{}{} // it was taken when the next one is
	if !has("notes") {
		t.Error("the new policy is not there")
	}
	write(t, filepath.Join(dir, "serve.yaml"), "version: 1\npolicys: {}\n")
	d.reload <- struct{}{}
	d.reload <- struct{}{}
	if !has("notes") || !strings.Contains(d.log.String(), "policys") {
		t.Error("a wrong config was taken, or nothing was said")
	}
	if x, err = d.Execution(background(t), x.ID); err != nil || x.State != api.Running {
		t.Errorf("the call did not go on: %+v, %v", x, err)
	}
	if _, err := d.Cancel(background(t), x.ID); err != nil {
		t.Error(err)
	}
}

func TestMetricsCount(t *testing.T) {
	d := start(t, folder(t), "")
	if _, err := d.Run(background(t), api.ExecutionRequest{Command: []string{"true"}}); err != nil {
		t.Fatal(err)
	}
	_, text, _ := d.raw(t, "GET", "/metrics", "")
	for _, want := range []string{`mcpbox_executions_total{status="ok"} 1`,
		"mcpbox_execution_seconds_count 1", `mcpbox_execution_seconds_bucket{le="+Inf"} 1`} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestWhatIsKeptOfACallerIsExportedAndErased(t *testing.T) {
	d := start(t, folder(t), "")
	for _, who := range []string{"ann", "bob"} {
		_, err := d.Run(background(t), api.ExecutionRequest{Caller: who,
			Command: []string{"unshare", "-m", "true"}})
		if err != nil {
			t.Fatal(err)
		}
		b, err := d.CreateSandbox(background(t), api.SandboxRequest{Caller: who})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Destroy(background(t), b.ID); err != nil {
			t.Fatal(err)
		}
	}
	kinds := func(who string) map[string]int {
		out := map[string]int{}
		err := d.Export(background(t), who, func(line json.RawMessage) error {
			var row struct{ Kind string }
			if strings.Contains(string(line), `"caller":"bob"`) && who != "bob" {
				t.Errorf("another caller's: %s", line)
			}
			defer func() { out[row.Kind]++ }()
			return json.Unmarshal(line, &row)
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := kinds("ann"); got["execution"] != 1 || got["event"] == 0 || got["sandbox"] != 1 {
		t.Errorf("exported %v", got)
	}
	if e, err := d.Erase(background(t), "ann"); err != nil || e.Executions != 1 || e.Events == 0 ||
		e.Sandboxes != 1 {
		t.Errorf("erased %+v %v", e, err)
	}
	if got := kinds("ann"); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
	if got := kinds("bob"); got["execution"] != 1 || got["sandbox"] != 1 {
		t.Errorf("of another caller: %v", got)
	}
}

func TestThePageShowsEveryOperation(t *testing.T) {
	d := start(t, folder(t), "")
	status, page, header := d.raw(t, "GET", "/v1/docs", "")
	if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/html") ||
		!strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Fatal(status, header)
	}
	_, text, _ := d.raw(t, "GET", "/v1/openapi.json", "")
	var doc struct {
		Paths map[string]map[string]struct{ Summary string }
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			row := "<b>" + strings.ToUpper(method) + "</b> <code>" + path + "</code></h3><p>" +
				html.EscapeString(op.Summary)
			if !strings.Contains(page, row) {
				t.Errorf("the page lacks %s %s", method, path)
			}
		}
	}
	if strings.Contains(page, "http://") || strings.Contains(page, "https://") ||
		strings.Contains(page, "<script") {
		t.Error("the page needs something from elsewhere")
	}
}
