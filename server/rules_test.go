package server_test

import (
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/client"
)

const burst = `{"id": "burst", "name": "many refusals", "when": "refused", "count": 3,
	"within": "10s", "severity": "high", "action": "kill"}`

func refusals(t *testing.T, d *daemon) *api.Execution {
	t.Helper()
	x, err := d.Run(background(t), api.ExecutionRequest{Caller: "ann", Command: []string{"sh", "-c",
		"for i in 1 2 3 4 5; do unshare -m true; done; echo end"}})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestRulesAreAddedTestedAndRemoved(t *testing.T) {
	dir := folder(t)
	config := "rules: [{id: own, when: 'syscall == \"kexec_load\"', action: kill}]\n" +
		"listen: 127.0.0.1:0\n" + tokenLine(token)
	d := start(t, dir, config)
	if x := refusals(t, d); x.Result.Status != "failed" && x.Result.Status != "ok" {
		t.Fatalf("without the rule: %+v", x.Result)
	}
	tried := call[monitor.Replayed](t, d, 200, "POST", "/v1/rules/test",
		`{"rules": [`+burst+`]}`)
	if tried.Rules[0].Hits == 0 || tried.Rules[0].Unlabelled != tried.Rules[0].Hits {
		t.Errorf("on recorded events: %+v", tried)
	}
	call[api.Rule](t, d, 201, "POST", "/v1/rules", burst)
	call[api.Problem](t, d, 409, "POST", "/v1/rules", burst)
	x := refusals(t, d)
	if x.Result.Status != "violation" {
		t.Fatalf("with the rule: %+v", x.Result)
	}
	list := call[api.Rules](t, d, 200, "GET", "/v1/rules", "")
	if len(list.Rules) != 2 || list.Rules[0].Source != "config" || list.Rules[1].ID != "burst" {
		t.Errorf("%+v", list)
	}
	report := call[api.Reports](t, d, 200, "GET", "/v1/reports?caller=ann", "")
	if report.Executions != 2 || report.Rules["burst"] != 1 || report.Statuses["violation"] != 1 ||
		report.Worst[0].ID != x.ID || len(report.Worst[0].Reasons) == 0 {
		t.Errorf("%+v", report)
	}

	// Added rules survive a restart.
	d.end(t)
	d = start(t, dir, config)
	if x := refusals(t, d); x.Result.Status != "violation" {
		t.Errorf("after a restart: %+v", x.Result)
	}
	call[api.Rule](t, d, 200, "PUT", "/v1/rules/burst",
		`{"when": "refused", "count": 3, "within": "10s", "except": ["policy == 'standard'"],
			"action": "kill"}`)
	if x := refusals(t, d); x.Result.Status == "violation" {
		t.Errorf("with an exception: %+v", x.Result)
	}
	call[api.Rule](t, d, 200, "DELETE", "/v1/rules/burst", "")
	call[api.Problem](t, d, 404, "DELETE", "/v1/rules/own", "")

	for body, want := range map[string]string{
		`{"id": "a", "when": "nonsense ("}`:                        "when",
		`{"id": "a", "when": "refused", "count": 3}`:               "count and within",
		`{"id": "a", "when": "refused", "action": "shell"}`:        "action",
		`{"id": "own", "when": "refused"}`:                         "two rules",
		`{"id": "a", "when": "usage.pids > 1 && pid > 1"}`:         "can't be in one rule",
		`{"id": "a", "when": "refused", "for": "5s"}`:              "for belongs to",
		`{"id": "a", "when": "usage.pids > 1", "severity": "bad"}`: "severity",
	} {
		if p := call[api.Problem](t, d, 422, "POST", "/v1/rules", body); !strings.Contains(p.Detail,
			want) {
			t.Errorf("%s: %s", body, p.Detail)
		}
	}
	guest, err := client.Dial(d.tcp, client.WithToken(token))
	if err != nil {
		t.Fatal(err)
	}
	refused(t, guest.Do(background(t), "POST", "/v1/rules", map[string]string{"id": "x",
		"when": "refused"}, nil), 403)
	refused(t, guest.Do(background(t), "POST", "/v1/rules/test", map[string]any{}, nil), 403)
	var empty api.Reports
	if err := guest.Do(background(t), "GET", "/v1/reports", nil, &empty); err != nil ||
		empty.Executions != 0 {
		t.Errorf("a guest sees others' reports: %+v %v", empty, err)
	}
}
