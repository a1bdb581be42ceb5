package server

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/learn"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/report"
	"github.com/mcpbox/mcpbox/server/api"
)

// route is one operation, for the mux and for the OpenAPI document.
type route struct {
	method, path string
	what         string // it does
	in, out      any    // types of the bodies; nil: none, or no JSON
	status       int    // of success
	query        []string
	handle       http.HandlerFunc
}

func (d *daemon) table() []route {
	page := []string{"limit", "before", "state", "caller"}
	filter := []string{
		"limit",
		"after",
		"type",
		"severity",
		"sandbox",
		"execution",
		"caller",
		"since",
		"follow",
	}
	return []route{
		{
			"POST",
			"/v1/executions",
			"run a command or code in a fresh sandbox",
			api.ExecutionRequest{},
			api.Execution{},
			200,
			nil,
			d.createExecution,
		},
		{
			"GET",
			"/v1/executions",
			"list executions, newest first",
			nil,
			api.Executions{},
			200,
			page,
			d.listExecutions,
		},
		{
			"GET",
			"/v1/executions/{id}",
			"what became of one",
			nil,
			api.Execution{},
			200,
			[]string{"wait"},
			d.getExecution,
		},
		{
			"DELETE",
			"/v1/executions/{id}",
			"cancel one that runs",
			nil,
			api.Execution{},
			200,
			nil,
			d.cancelExecution,
		},
		{
			"GET",
			"/v1/executions/{id}/report",
			"judge one: risk, reasons, recommendations",
			nil,
			report.Report{},
			200,
			nil,
			d.getReport,
		},
		{"GET", "/v1/executions/{id}/logs", "its output, as messages", nil, nil, 200,
			[]string{"follow"}, d.getLogs},
		{
			"POST",
			"/v1/sandboxes",
			"create a sandbox that lives on",
			api.SandboxRequest{},
			api.Sandbox{},
			201,
			nil,
			d.createSandbox,
		},
		{"GET", "/v1/sandboxes", "list sandboxes", nil, api.Sandboxes{}, 200, nil, d.listSandboxes},
		{"DELETE", "/v1/sandboxes", "destroy those that are old or unused", nil, api.Cleared{}, 200,
			[]string{"age", "idle"}, d.clearSandboxes},
		{"PATCH", "/v1/sandboxes/{id}", "change limits while it runs", api.Change{}, api.Limits{},
			200, nil, d.changeSandbox},
		{"POST", "/v1/sandboxes/{id}/pause", "stop its programs for a time", nil, api.Sandbox{},
			200, nil, d.pauseSandbox},
		{"POST", "/v1/sandboxes/{id}/resume", "let its programs go on", nil, api.Sandbox{},
			200, nil, d.resumeSandbox},
		{"POST", "/v1/sandboxes/{id}/release", "end its quarantine; for operators", nil,
			api.Sandbox{}, 200, nil, d.releaseSandbox},
		{"GET", "/v1/sandboxes/{id}", "inspect one", nil, api.Sandbox{}, 200, nil, d.getSandbox},
		{
			"DELETE",
			"/v1/sandboxes/{id}",
			"destroy one",
			nil,
			api.Sandbox{},
			200,
			nil,
			d.destroySandbox,
		},
		{
			"POST",
			"/v1/sandboxes/{id}/exec",
			"run a command in one",
			api.ExecRequest{},
			api.Result{},
			200,
			nil,
			d.exec,
		},
		{
			"GET",
			"/v1/sandboxes/{id}/files",
			"take a file out",
			nil,
			nil,
			200,
			[]string{"path"},
			d.getFile,
		},
		{
			"PUT",
			"/v1/sandboxes/{id}/files",
			"put a file in",
			nil,
			nil,
			204,
			[]string{"path"},
			d.putFile,
		},
		{
			"GET",
			"/v1/sandboxes/{id}/stats",
			"what its commands use now",
			nil,
			api.Usage{},
			200,
			nil,
			d.sandboxStats,
		},
		{"GET", "/v1/allowlist", "list the rules of the allowlist", nil, api.Allowlist{}, 200, nil,
			answers(d, 200, d.listAllowed)},
		{"POST", "/v1/allowlist", "add a rule; for operators", access.Rule{}, api.Changed{}, 201,
			nil, takes(d, 201, d.addAllowed)},
		{"GET", "/v1/allowlist/{id}", "one rule", nil, api.AllowRule{}, 200, nil,
			answers(d, 200, d.getAllowed)},
		{"PUT", "/v1/allowlist/{id}", "replace a rule; for operators", access.Rule{}, api.Changed{},
			200, nil, takes(d, 200, d.putAllowed)},
		{"PATCH", "/v1/allowlist/{id}", "change when a rule applies; for operators",
			api.RuleChange{}, api.Changed{}, 200, nil, takes(d, 200, d.patchAllowed)},
		{"DELETE", "/v1/allowlist/{id}", "remove a rule; for operators", nil, api.Changed{}, 200,
			nil, answers(d, 200, d.removeAllowed)},
		{"GET", "/v1/allowlist/history", "every change of the allowlist; for operators", nil,
			api.AllowHistory{}, 200, nil, answers(d, 200, d.allowHistory)},
		{"POST", "/v1/allowlist/rollback", "go back to an entry; for operators",
			api.RollbackRequest{}, api.Changed{}, 200, nil, takes(d, 200, d.rollbackAllowed)},
		{"POST", "/v1/allowlist/learn", "propose rules from recorded calls; for operators",
			api.LearnRequest{}, api.Learnt{}, 200, nil, takes(d, 200, d.learnAllowed)},
		{"POST", "/v1/allowlist/evaluate", "measure rules on labelled records; for operators",
			api.EvaluateRequest{}, learn.Evaluation{}, 200, nil, takes(d, 200, d.evaluateAllowed)},
		{"POST", "/v1/allowlist/trial",
			"what rules would have done to recorded calls; for operators",
			api.TrialRequest{}, api.Trial{}, 200, nil, takes(d, 200, d.trial)},
		{"GET", "/v1/allowlist/proposals", "list proposals", nil, api.Proposals{}, 200,
			[]string{"state"}, answers(d, 200, d.listProposals)},
		{"POST", "/v1/allowlist/proposals", "propose a change", api.ProposalRequest{},
			api.Proposal{}, 201, nil, takes(d, 201, d.addProposal)},
		{"GET", "/v1/allowlist/proposals/{id}", "one proposal", nil, api.Proposal{}, 200, nil,
			answers(d, 200, d.getProposal)},
		{"POST", "/v1/allowlist/proposals/{id}/approve", "put it in force; for operators", nil,
			api.Proposal{}, 200, nil, answers(d, 200, d.approve)},
		{"POST", "/v1/allowlist/proposals/{id}/reject", "refuse it; for operators", nil,
			api.Proposal{}, 200, nil, answers(d, 200, d.reject)},
		{"GET", "/v1/rules", "list the rules of detection", nil, api.Rules{}, 200, nil,
			answers(d, 200, d.listRules)},
		{"POST", "/v1/rules", "add a rule for every policy; for operators", policies.Rule{},
			api.Rule{}, 201, nil, takes(d, 201, d.addRule)},
		{"PUT", "/v1/rules/{id}", "replace one that was added; for operators", policies.Rule{},
			api.Rule{}, 200, nil, takes(d, 200, d.putRule)},
		{"DELETE", "/v1/rules/{id}", "remove one that was added; for operators", nil, api.Rule{},
			200, nil, answers(d, 200, d.removeRule)},
		{"POST", "/v1/rules/test", "what rules would have done to recorded events; for operators",
			api.RulesTest{}, monitor.Replayed{}, 200, nil, takes(d, 200, d.testRules)},
		{"GET", "/v1/reports", "sum up what ran, and name the worst", nil, api.Reports{}, 200,
			[]string{"since", "caller"}, answers(d, 200, d.getReports)},
		{
			"GET",
			"/v1/events",
			"query security events, oldest first, or follow them",
			nil,
			api.Events{},
			200,
			filter,
			d.listEvents,
		},
		{"GET", "/v1/callers/{caller}", "export what is kept of one of the client's callers", nil,
			nil, 200, nil, d.exportCaller},
		{
			"DELETE",
			"/v1/callers/{caller}",
			"erase what is kept of one of the client's callers",
			nil,
			api.Erased{},
			200,
			nil,
			d.eraseCaller,
		},
		{
			"GET",
			"/v1/servers",
			"list the MCP servers of the config",
			nil,
			api.Servers{},
			200,
			nil,
			d.listServers,
		},
		{
			"GET",
			"/v1/policies",
			"list the policies that have names",
			nil,
			api.Policies{},
			200,
			nil,
			d.listPolicies,
		},
		{"GET", "/v1/stats", "levels and counts", nil, api.Stats{}, 200, nil, d.getStats},
		{"GET", "/v1/version", "what the daemon is", nil, api.Version{}, 200, nil, d.getVersion},
		{
			"GET",
			"/v1/openapi.json",
			"this API as an OpenAPI 3.1 document",
			nil,
			nil,
			200,
			nil,
			d.openAPI,
		},
		{"GET", "/v1/docs", "this API as a page", nil, nil, 200, nil, d.page},
		{"GET", "/healthz", "the daemon lives", nil, nil, 200, nil, d.healthy},
		{"GET", "/readyz", "the daemon takes work", nil, nil, 200, nil, d.ready},
		{"GET", "/metrics", "counts for Prometheus", nil, nil, 200, nil, d.metrics},
	}
}

func (d *daemon) routes() http.Handler {
	mux := http.NewServeMux()
	for _, r := range d.table() {
		mux.HandleFunc(r.method+" "+r.path, r.handle)
	}
	// MCP's own protocol: the bridge answers every method.
	mux.HandleFunc("/v1/servers/{name}/mcp", d.serverMCP)
	mux.HandleFunc("/v1/mcp", d.codeMCP)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		list := allowed(mux, r)
		if list == "" {
			d.problem(w, r, newProblem(http.StatusNotFound,
				"GET /v1/openapi.json lists the addresses", "there is nothing at this address"))
			return
		}
		w.Header().Set("Allow", list)
		d.problem(w, r, newProblem(http.StatusMethodNotAllowed, "use "+list,
			"this method is not for this address"))
	})
	return mux
}

// allowed are the methods that there are at the request's address.
func allowed(mux *http.ServeMux, r *http.Request) string {
	var list []string
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := mux.Handler(other); pattern != "/" {
			list = append(list, method)
		}
	}
	return strings.Join(list, ", ")
}

func (d *daemon) listPolicies(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, api.Policies{Policies: d.cfg.Load().Names()})
}

func (d *daemon) getVersion(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, api.Version{Version: d.opt.Version, API: "v1"})
}

func (d *daemon) healthy(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("ok\n")) }

func (d *daemon) ready(w http.ResponseWriter, r *http.Request) {
	if d.draining.Load() {
		d.problem(w, r, unavailable())
		return
	}
	d.healthy(w, r)
}

// eraseCaller: DELETE /v1/callers/{caller}
func (d *daemon) eraseCaller(w http.ResponseWriter, r *http.Request) {
	executions, events, sandboxes, err := d.db.Erase(visibleName(r), r.PathValue("caller"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, api.Erased{Executions: executions, Events: events,
		Sandboxes: sandboxes})
}

// exportCaller: GET /v1/callers/{caller} sends all that is kept, a JSON object a line.
func (d *daemon) exportCaller(w http.ResponseWriter, r *http.Request) {
	out := bufio.NewWriter(w)
	w.Header().Set("Content-Type", api.StreamType)
	err := d.db.Export(visibleName(r), r.PathValue("caller"), func(kind string, body []byte) error {
		_, err := fmt.Fprintf(out, "{\"kind\":%q,%q:%s}\n", kind, kind, body)
		return err
	})
	if err = errors.Join(err, out.Flush()); err != nil {
		d.log.Error("an export broke off", "error", err) // the status has been sent
		panic(http.ErrAbortHandler)
	}
}
