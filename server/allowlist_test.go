package server_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/client"
)

// call makes a request and decodes its answer, which must have this status.
func call[Out any](t *testing.T, d *daemon, status int, method, path, body string) Out {
	t.Helper()
	got, text, _ := d.raw(t, method, path, body)
	if got != status {
		t.Fatalf("%s %s %s: %d %s", method, path, body, got, text)
	}
	var out Out
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// calls reports whether the server of startMCP answers a call of the tool.
func calls(t *testing.T, s *mcp.ClientSession, tool string) bool {
	t.Helper()
	res, err := s.CallTool(background(t), &mcp.CallToolParams{Name: tool})
	return err == nil && !res.IsError
}

// eventually waits for what another process, or a watcher, brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not so: " + what)
		}
	}
}

func TestAChangeOfTheAllowlistAppliesAtOnce(t *testing.T) {
	d := startMCPWith(t, "allowlist: allow.db\n")
	s := d.connect(t, "/v1/servers/small/mcp", nil)
	if calls(t, s, "count") {
		t.Fatal("an empty allowlist allows a tool")
	}
	added := call[api.Changed](t, d, 201, "POST", "/v1/allowlist",
		`{"layer": "tool", "match": "count", "effect": "allow", "note": "test"}`)
	id := added.Changes[0].ID
	eventually(t, "the tool is allowed", func() bool { return calls(t, s, "count") })
	list := call[api.Allowlist](t, d, 200, "GET", "/v1/allowlist", "")
	if len(list.Rules) != 1 || list.Rules[0].ID != id || !list.Rules[0].Applies {
		t.Errorf("%+v", list)
	}
	call[api.Problem](t, d, 409, "POST", "/v1/allowlist",
		`{"layer": "tool", "match": "count", "effect": "deny"}`)

	// It is disabled for a time.
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	call[api.Changed](t, d, 200, "PATCH", "/v1/allowlist/"+id, `{"disabled_until": "`+until+`"}`)
	eventually(t, "the tool is refused", func() bool { return !calls(t, s, "count") })
	if r := call[api.AllowRule](t, d, 200, "GET", "/v1/allowlist/"+id, ""); r.Applies {
		t.Errorf("%+v", r)
	}
	call[api.Changed](t, d, 200, "PATCH", "/v1/allowlist/"+id, `{"disabled_until": ""}`)
	eventually(t, "the tool is allowed again", func() bool { return calls(t, s, "count") })

	call[api.Changed](t, d, 200, "PUT", "/v1/allowlist/"+id,
		`{"layer": "tool", "match": "count", "effect": "deny"}`)
	eventually(t, "the tool is denied", func() bool { return !calls(t, s, "count") })
	h := call[api.AllowHistory](t, d, 200, "GET", "/v1/allowlist/history", "")
	if len(h.Entries) != 4 || len(h.Problems) != 0 || !strings.HasPrefix(h.Entries[0].Operator,
		"uid:") {
		t.Errorf("%+v", h)
	}
	call[api.Changed](t, d, 200, "POST", "/v1/allowlist/rollback", `{"seq": 1}`)
	eventually(t, "the tool is allowed as before", func() bool { return calls(t, s, "count") })
	call[api.Changed](t, d, 200, "DELETE", "/v1/allowlist/"+id, "")
	call[api.Problem](t, d, 404, "GET", "/v1/allowlist/"+id, "")
	call[api.Problem](t, d, 404, "DELETE", "/v1/allowlist/"+id, "")
	call[api.Problem](t, d, 422, "POST", "/v1/allowlist", `{"layer": "tool", "match": "["}`)
}

func TestProposalsWaitForAnOperator(t *testing.T) {
	d := startMCPWith(t, "allowlist: allow.db\nlisten: 127.0.0.1:0\n"+tokenLine(token))
	guest, err := client.Dial(d.tcp, client.WithToken(token))
	if err != nil {
		t.Fatal(err)
	}
	var p api.Proposal
	body := json.RawMessage(`{"add": [{"layer": "tool", "match": "count", "effect": "allow"}],
		"why": "the report needs it"}`)
	if err := guest.Do(background(t), "POST", "/v1/allowlist/proposals", body, &p); err != nil {
		t.Fatal(err)
	}
	for _, try := range []struct{ method, path, body string }{
		{"POST", "/v1/allowlist/proposals/" + p.ID + "/approve", ""},
		{"POST", "/v1/allowlist/proposals/" + p.ID + "/reject", ""},
		{"POST", "/v1/allowlist", `{"layer": "tool", "match": "count", "effect": "allow"}`},
		{"POST", "/v1/allowlist/rollback", `{"seq": 0}`},
		{"POST", "/v1/allowlist/learn", `{}`},
		{"POST", "/v1/allowlist/trial", `{"rules": []}`},
		{"POST", "/v1/allowlist/evaluate", `{"records": []}`},
		{"GET", "/v1/allowlist/history", ""},
		{"DELETE", "/v1/allowlist/000000000000", ""},
	} {
		var in any
		if try.body != "" {
			in = json.RawMessage(try.body)
		}
		refused(t, guest.Do(background(t), try.method, try.path, in, nil), 403)
	}
	list := call[api.Proposals](t, d, 200, "GET", "/v1/allowlist/proposals?state=pending", "")
	if len(list.Proposals) != 1 || list.Proposals[0].Client != "token:ci" {
		t.Fatalf("%+v", list)
	}
	s := d.connect(t, "/v1/servers/small/mcp", nil)
	if calls(t, s, "count") {
		t.Error("a proposal is in force before its approval")
	}
	done := call[api.Proposal](t, d, 200, "POST", "/v1/allowlist/proposals/"+p.ID+"/approve", "")
	if done.State != "approved" || done.Seq != 1 {
		t.Errorf("%+v", done)
	}
	eventually(t, "the tool is allowed", func() bool { return calls(t, s, "count") })
	call[api.Problem](t, d, 409, "POST", "/v1/allowlist/proposals/"+p.ID+"/reject", "")
	call[api.Problem](t, d, 404, "GET", "/v1/allowlist/proposals/p-none", "")
}

func TestARuleSetIsTriedOnRecordedCallsBeforeItIsInForce(t *testing.T) {
	d := startMCPWith(t, "allowlist: allow.db\n")
	add := call[api.Changed](t, d, 201, "POST", "/v1/allowlist",
		`{"layer": "tool", "match": "*", "effect": "allow"}`)
	s := d.connect(t, "/v1/servers/small/mcp", nil)
	for range 6 {
		if !calls(t, s, "count") {
			t.Fatal("a call failed")
		}
	}
	calls(t, s, "attack")
	only := `[{"layer": "tool", "match": "count", "effect": "allow"}]`
	eventually(t, "the calls are recorded", func() bool {
		trial := call[api.Trial](t, d, 200, "POST", "/v1/allowlist/trial", `{"rules": `+only+`}`)
		return trial.Records == 7
	})
	trial := call[api.Trial](t, d, 200, "POST", "/v1/allowlist/trial", `{"rules": `+only+`}`)
	if trial.Allowed != 6 || trial.NowRefused != 1 || len(trial.Different) != 1 ||
		trial.Different[0].Tool != "attack" || trial.Different[0].Layer != "tool" {
		t.Errorf("%+v", trial)
	}
	list := call[api.Allowlist](t, d, 200, "GET", "/v1/allowlist", "")
	if len(list.Rules) != 1 {
		t.Errorf("the trial changed the allowlist: %+v", list)
	}
	labelled := `{"method": "tools/call", "server": "small", "tool": %q, "label": %q}`
	got := call[struct {
		Records   int     `json:"records"`
		Precision float64 `json:"precision"`
		Recall    float64 `json:"recall"`
	}](t, d, 200, "POST", "/v1/allowlist/evaluate", `{"rules": `+only+`, "records": [`+
		fmt.Sprintf(labelled, "count", "benign")+","+
		fmt.Sprintf(labelled, "attack", "malicious")+`]}`)
	if got.Records != 2 || got.Precision != 1 || got.Recall != 1 {
		t.Errorf("%+v", got)
	}

	// What is learnt waits for approval, too.
	call[api.Changed](t, d, 200, "DELETE", "/v1/allowlist/"+add.Changes[0].ID, "")
	learnt := call[api.Learnt](t, d, 200, "POST", "/v1/allowlist/learn", `{}`)
	if learnt.Proposal == nil || len(learnt.Proposal.Add) != 1 ||
		learnt.Proposal.Add[0].Match != "count" || learnt.Proposal.State != "pending" {
		t.Fatalf("%+v", learnt)
	}
	trial = call[api.Trial](t, d, 200, "POST", "/v1/allowlist/trial",
		`{"proposal": "`+learnt.Proposal.ID+`"}`)
	if trial.NowAllowed != 6 || trial.Refused != 1 {
		t.Errorf("%+v", trial)
	}
	call[api.Proposal](t, d, 200, "POST",
		"/v1/allowlist/proposals/"+learnt.Proposal.ID+"/reject", "")
	list = call[api.Allowlist](t, d, 200, "GET", "/v1/allowlist", "")
	if len(list.Rules) != 0 {
		t.Errorf("a rejected proposal is in force: %+v", list)
	}
}

func TestWithoutAnAllowlistTheDaemonSaysSo(t *testing.T) {
	d := start(t, folder(t), "")
	p := call[api.Problem](t, d, 409, "GET", "/v1/allowlist", "")
	if !strings.Contains(p.Remedy, "allowlist: allow.db") {
		t.Errorf("%+v", p)
	}
}
