package server_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/client"
)

func TestWhatCreatesDoesItOnceForAKey(t *testing.T) {
	d := start(t, folder(t), "allowlist: allow.db\nlisten: 127.0.0.1:0\n"+tokenLine(token))
	for path, body := range map[string]string{
		"/v1/sandboxes":           `{"policy": "standard"}`,
		"/v1/allowlist":           `{"layer": "tool", "match": "count", "effect": "allow"}`,
		"/v1/allowlist/proposals": `{"add": [{"layer": "tool", "match": "x", "effect": "allow"}]}`,
		"/v1/allowlist/learn":     `{}`,
		"/v1/allowlist/rollback":  `{"seq": 0}`,
		"/v1/rules":               `{"id": "r", "when": "refused"}`,
		"/v1/executions":          `{"command": ["true"]}`,
	} {
		first, text, _ := d.raw(t, "POST", path, body, "Idempotency-Key", "key-of"+path)
		if first/100 != 2 {
			t.Fatalf("%s: %d %s", path, first, text)
		}
		again, same, _ := d.raw(t, "POST", path, body, "Idempotency-Key", "key-of"+path)
		if again != first || same != text {
			t.Errorf("%s: %d %s, and again: %d %s", path, first, text, again, same)
		}
		other, problem, _ := d.raw(t, "POST", path, strings.Replace(body, "{", "{ ", 1),
			"Idempotency-Key", "key-of"+path)
		if other != 422 {
			t.Errorf("%s, another request with the key: %d %s", path, other, problem)
		}
	}
	if boxes, err := d.Sandboxes(background(t)); err != nil || len(boxes) != 1 {
		t.Errorf("%+v %v", boxes, err)
	}

	// Another client's keys are its own.
	guest, err := client.Dial(d.tcp, client.WithToken(token))
	if err != nil {
		t.Fatal(err)
	}
	box, err := guest.CreateSandbox(client.WithKey(background(t), "key-of/v1/sandboxes"),
		api.SandboxRequest{Policy: "standard"})
	if err != nil || box.Client != "token:ci" {
		t.Errorf("%+v %v", box, err)
	}
}

func TestAKeyUsedAtTheSameTimeMakesOneThing(t *testing.T) {
	d := start(t, folder(t), "")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			status, text, _ := d.raw(t, "POST", "/v1/sandboxes", "{}", "Idempotency-Key", "k")
			if status != http.StatusCreated && status != http.StatusConflict {
				t.Errorf("%d %s", status, text)
			}
		})
	}
	all.Wait()
	if boxes, err := d.Sandboxes(background(t)); err != nil || len(boxes) != 1 {
		t.Errorf("%+v %v", boxes, err)
	}
}

// A request that was refused for a time, or whose client went away, may come again with its key.
func TestAKeyIsFreeAfterWhatMayBeTriedAgain(t *testing.T) {
	d := start(t, folder(t), "sandboxes: {most: 1}\n")
	id := newBox(t, d, api.SandboxRequest{})
	key := client.WithKey(background(t), "k")
	_, err := d.CreateSandbox(key, api.SandboxRequest{})
	refused(t, err, 429)
	if err := d.Destroy(background(t), id); err != nil {
		t.Fatal(err)
	}
	if _, err := d.CreateSandbox(key, api.SandboxRequest{}); err != nil {
		t.Errorf("a second try: %v", err)
	}

	// The first try of a command ends when its client leaves.
	marker := filepath.Join(d.folder, "work")
	if err := os.Mkdir(marker, 0o777); err != nil {
		t.Fatal(err)
	}
	request := api.ExecutionRequest{Command: []string{"sh", "-c",
		"test -e /data/again && exit; >/data/again; sleep 600"},
		Document: json.RawMessage(`{"extends": "standard", "filesystem": {"mounts": [{"source": "` +
			marker + `", "target": "/data", "mode": "rw"}]}}`)}
	ctx, leave := context.WithCancel(key)
	done := make(chan error, 1)
	go func() {
		_, err := d.Run(ctx, request)
		done <- err
	}()
	eventually(t, "it runs", func() bool {
		_, err := os.Stat(filepath.Join(marker, "again"))
		return err == nil
	})
	leave()
	if err := <-done; err == nil {
		t.Fatal("it was answered")
	}
	eventually(t, "it has ended", func() bool {
		s, err := d.Stats(background(t))
		return err == nil && s.Running == 0
	})
	x, err := d.Run(key, request)
	if err != nil || x.Result.Status != "ok" {
		t.Errorf("%+v %v", x, err)
	}
}

func TestSessionsOfCodeOverTheAPI(t *testing.T) {
	d := start(t, folder(t), "listen: 127.0.0.1:0\n"+tokenLine(token))
	guest, err := client.Dial(d.tcp, client.WithToken(token))
	if err != nil {
		t.Fatal(err)
	}
	say := func(c *client.Client, caller, code string) *api.Result {
		t.Helper()
		x, err := c.Run(background(t), api.ExecutionRequest{Language: "python", Code: code,
			Session: "s", Caller: caller})
		if err != nil {
			t.Fatal(err)
		}
		return x.Result
	}
	say(d.Client, "ann", "x = 41")
	if r := say(d.Client, "ann", "print(x + 1)"); r.Stdout != "42\n" || r.Session == nil ||
		r.Session.Number != 2 || r.Session.Session != "s" {
		t.Errorf("%+v", r)
	}
	const look = "print('x' in globals())"
	for who, c := range map[string]*client.Client{"bob": d.Client, "ann": guest} {
		if r := say(c, who, look); r.Stdout != "False\n" {
			t.Errorf("%s sees another's session: %+v", who, r)
		}
	}
	list, err := guest.Sessions(background(t), "")
	if err != nil || len(list) != 1 || list[0].Client != "token:ci" {
		t.Errorf("a guest's list: %+v %v", list, err)
	}
	refused(t, guest.Do(background(t), "DELETE",
		"/v1/sessions/s?caller=ann&client="+ownName(t, d), nil, nil), 403)
	if list, err = d.Sessions(background(t), "ann"); err != nil || len(list) != 2 {
		t.Errorf("%+v %v", list, err)
	}
	if err := d.EndSession(background(t), "ann", "s"); err != nil {
		t.Error(err)
	}
	if r := say(d.Client, "ann", look); r.Stdout != "False\n" || r.Session.Number != 1 {
		t.Errorf("after its end: %+v", r)
	}
	refused(t, d.EndSession(background(t), "ann", "none"), 404)
	for _, req := range []api.ExecutionRequest{
		{Command: []string{"true"}, Session: "s"},
		{Language: "python", Code: "1", Session: "s", Tier: "secure"},
		{Language: "python", Code: "1", Tier: "secure", Policy: "standard"},
		{Language: "python", Code: "1", Tier: "odd"},
	} {
		_, err := d.Run(background(t), req)
		refused(t, err, 422)
	}
	x, err := d.Run(background(t), api.ExecutionRequest{Language: "python", Code: "print(1)",
		Tier: "secure"})
	if err != nil || x.Policy != "code-secure" || x.Result.Stdout != "1\n" {
		t.Errorf("%+v %v", x, err)
	}
}

// ownName is the name of the daemon's own client.
func ownName(t *testing.T, d *daemon) string {
	t.Helper()
	x, err := d.Run(background(t), api.ExecutionRequest{Command: []string{"true"}})
	if err != nil {
		t.Fatal(err)
	}
	return x.Client
}

func TestARuleMayExceptACaller(t *testing.T) {
	d := start(t, folder(t), "")
	_, err := d.AddRule(background(t), policies.Rule{ID: "unshare", When: `syscall == "unshare"`,
		Action: "kill", Except: []string{`caller == "ann"`}})
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range []api.ExecutionRequest{
		{Command: []string{"sh", "-c", "unshare -m true; echo survived"}},
		{Language: "sh", Code: "unshare -m true; echo survived"},
		{Language: "python", Code: "import subprocess as s\ns.run(['unshare', '-m', 'true'])\n" +
			"print('survived')", Policy: "standard"},
	} {
		for who, killed := range map[string]bool{"ann": false, "bob": true, "": true} {
			request.Caller = who
			x, err := d.Run(background(t), request)
			if err != nil {
				t.Fatal(err)
			}
			if got := x.Result.Status == "violation"; got != killed ||
				strings.Contains(x.Result.Stdout, "survived") == killed {
				t.Errorf("caller %q, %q%q: %s %q", who, request.Command, request.Code,
					x.Result.Status, x.Result.Stdout)
			}
		}
	}
	tried, err := d.TestRules(background(t), api.RulesTest{Rules: []policies.Rule{
		{ID: "ann", When: `syscall == "unshare" && caller == "ann"`},
		{ID: "all", When: `syscall == "unshare"`},
		{ID: "me", When: `syscall == "unshare" && client == "` + ownName(t, d) + `"`}}})
	if err != nil || tried.Rules[0].Hits == 0 || tried.Rules[1].Hits <= tried.Rules[0].Hits ||
		tried.Rules[2].Hits != tried.Rules[1].Hits {
		t.Errorf("on recorded events: %+v %v", tried, err)
	}
}

// Every method of the client about rules and the allowlist, against a daemon.
func TestTheClientsMethodsForOperators(t *testing.T) {
	d := start(t, folder(t), "allowlist: allow.db\n")
	ctx := background(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	rule := access.Rule{Layer: "tool", Match: "count", Effect: "allow"}
	added, err := d.AddAllowRule(ctx, rule)
	must(err)
	id := added.Changes[0].ID
	until := "2098-01-01T00:00:00Z"
	_, err = d.ChangeAllowRule(ctx, id, api.RuleChange{DisabledUntil: &until})
	must(err)
	if one, err := d.AllowRule(ctx, id); err != nil || one.Applies {
		t.Errorf("%+v %v", one, err)
	}
	_, err = d.ReplaceAllowRule(ctx, id, rule)
	must(err)
	p, err := d.Propose(ctx, api.ProposalRequest{Remove: []string{id}})
	must(err)
	if list, err := d.Proposals(ctx, "pending"); err != nil || len(list) != 1 {
		t.Errorf("%+v %v", list, err)
	}
	_, err = d.Approve(ctx, p.ID)
	must(err)
	if list, err := d.Allowlist(ctx); err != nil || len(list.Rules) != 0 {
		t.Errorf("%+v %v", list, err)
	}
	_, err = d.Rollback(ctx, 1)
	must(err)
	if h, err := d.AllowHistory(ctx); err != nil || len(h.Entries) != 5 {
		t.Errorf("%+v %v", h, err)
	}
	_, err = d.AddRule(ctx, policies.Rule{ID: "r", When: "refused"})
	must(err)
	_, err = d.ReplaceRule(ctx, policies.Rule{ID: "r", When: "refused", Action: "kill"})
	must(err)
	if rules, err := d.Rules(ctx); err != nil || len(rules) != 1 || rules[0].Action != "kill" {
		t.Errorf("%+v %v", rules, err)
	}
	_, err = d.RemoveRule(ctx, "r")
	must(err)
	x, err := d.Run(ctx, api.ExecutionRequest{Command: attack, Caller: "ann"})
	must(err)
	if r, err := d.Report(ctx, x.ID); err != nil || !r.Risk.AtLeast("high") {
		t.Errorf("%+v %v", r, err)
	}
	if r, err := d.Reports(ctx, x.Created.Add(-1e9), "ann"); err != nil || r.Executions != 1 {
		t.Errorf("%+v %v", r, err)
	}
	must(d.Ready(ctx))
	if text, err := d.Metrics(ctx); err != nil || !strings.Contains(text, "mcpbox_running") {
		t.Errorf("%q %v", text, err)
	}
}
