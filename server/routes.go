package server

import (
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/internal/openapi"
)

// table lists the operations. Two of them, for MCP's own protocol, are in routes.
func (d *daemon) table() []route {
	return slices.Concat(d.executionRoutes(), d.sandboxRoutes(), d.allowlistRoutes(),
		d.ruleRoutes(), d.recordRoutes(), d.daemonRoutes())
}

func (d *daemon) executionRoutes() []route {
	return []route{
		plain("POST", "/v1/executions", "run a command or code in a fresh sandbox",
			api.ExecutionRequest{}, api.Execution{}, 200, d.createExecution).withKey(),
		gives(d, "GET", "/v1/executions", "list executions, newest first", d.listExecutions,
			"limit", "before", "state", "caller"),
		gives(d, "GET", "/v1/executions/{id}", "what became of one", d.getExecution, "wait"),
		gives(d, "DELETE", "/v1/executions/{id}", "cancel one that runs", d.cancelExecution),
		gives(d, "GET", "/v1/executions/{id}/report",
			"judge one: risk, reasons, recommendations", d.getReport),
		plain("GET", "/v1/executions/{id}/logs", "its output, as messages", nil, nil, 200,
			d.getLogs, "follow"),
		gives(d, "GET", "/v1/sessions", "list sessions of code", d.listSessions, "caller"),
		gives(d, "DELETE", "/v1/sessions/{name}", "end one", d.endSession, "caller", "client"),
	}
}

func (d *daemon) sandboxRoutes() []route {
	return []route{
		creates(d, "/v1/sandboxes", "create a sandbox that lives on", d.createSandbox),
		gives(d, "GET", "/v1/sandboxes", "list sandboxes", d.listSandboxes),
		gives(d, "DELETE", "/v1/sandboxes", "destroy those that are old or unused",
			d.clearSandboxes, "age", "idle"),
		gives(d, "GET", "/v1/sandboxes/{id}", "inspect one", d.getSandbox),
		takes(d, "PATCH", "/v1/sandboxes/{id}", "change limits while it runs", d.changeSandbox),
		gives(d, "DELETE", "/v1/sandboxes/{id}", "destroy one", d.destroySandbox),
		plain("POST", "/v1/sandboxes/{id}/exec", "run a command in one", api.ExecRequest{},
			api.Result{}, 200, d.exec),
		plain("GET", "/v1/sandboxes/{id}/files", "take a file out", nil, nil, 200, d.getFile,
			"path"),
		plain("PUT", "/v1/sandboxes/{id}/files", "put a file in", nil, nil, 204, d.putFile,
			"path"),
		gives(d, "GET", "/v1/sandboxes/{id}/stats", "what its commands use now", d.sandboxStats),
		gives(d, "POST", "/v1/sandboxes/{id}/pause", "stop its programs for a time",
			d.pauseSandbox),
		gives(d, "POST", "/v1/sandboxes/{id}/resume", "let its programs go on", d.resumeSandbox),
		gives(d, "POST", "/v1/sandboxes/{id}/release", "end its quarantine; for operators",
			d.releaseSandbox),
	}
}

func (d *daemon) allowlistRoutes() []route {
	const base = "/v1/allowlist"
	return []route{
		gives(d, "GET", base, "list the rules of the allowlist", d.listAllowed),
		creates(d, base, "add a rule; for operators", d.addAllowed),
		gives(d, "GET", base+"/{id}", "one rule", d.getAllowed),
		takes(d, "PUT", base+"/{id}", "replace a rule; for operators", d.putAllowed),
		takes(d, "PATCH", base+"/{id}", "change when a rule applies; for operators",
			d.patchAllowed),
		gives(d, "DELETE", base+"/{id}", "remove a rule; for operators", d.removeAllowed),
		gives(d, "GET", base+"/history", "every change of the allowlist; for operators",
			d.allowHistory),
		takes(d, "POST", base+"/rollback", "go back to an entry; for operators",
			d.rollbackAllowed).onceOnly(d),
		takes(d, "POST", base+"/learn", "propose rules from recorded calls; for operators",
			d.learnAllowed).onceOnly(d),
		takes(d, "POST", base+"/evaluate", "measure rules on labelled records; for operators",
			d.evaluateAllowed),
		takes(d, "POST", base+"/trial",
			"what rules would have done to recorded calls; for operators", d.trial),
		gives(d, "GET", base+"/proposals", "list proposals", d.listProposals, "state"),
		creates(d, base+"/proposals", "propose a change", d.addProposal),
		gives(d, "GET", base+"/proposals/{id}", "one proposal", d.getProposal),
		gives(d, "POST", base+"/proposals/{id}/approve", "put it in force; for operators",
			d.approve),
		gives(d, "POST", base+"/proposals/{id}/reject", "refuse it; for operators", d.reject),
	}
}

func (d *daemon) ruleRoutes() []route {
	return []route{
		gives(d, "GET", "/v1/rules", "list the rules of detection", d.listRules),
		creates(d, "/v1/rules", "add a rule for every policy; for operators", d.addRule),
		takes(d, "PUT", "/v1/rules/{id}", "replace one that was added; for operators", d.putRule),
		gives(d, "DELETE", "/v1/rules/{id}", "remove one that was added; for operators",
			d.removeRule),
		takes(d, "POST", "/v1/rules/test",
			"what rules would have done to recorded events; for operators", d.testRules),
	}
}

func (d *daemon) recordRoutes() []route {
	return []route{
		gives(d, "GET", "/v1/reports", "sum up what ran, and name the worst", d.getReports,
			"since", "caller"),
		plain("GET", "/v1/events", "query security events, oldest first, or follow them", nil,
			api.Events{}, 200, d.listEvents, "limit", "after", "type", "severity", "sandbox",
			"execution", "caller", "since", "follow"),
		plain("GET", "/v1/callers/{caller}", "export what is kept of one of the client's callers",
			nil, nil, 200, d.exportCaller),
		gives(d, "DELETE", "/v1/callers/{caller}",
			"erase what is kept of one of the client's callers", d.eraseCaller),
	}
}

func (d *daemon) daemonRoutes() []route {
	return []route{
		gives(d, "GET", "/v1/servers", "list the MCP servers of the config", d.listServers),
		gives(d, "GET", "/v1/policies", "list the policies that have names", d.listPolicies),
		gives(d, "GET", "/v1/stats", "levels and counts", d.getStats),
		gives(d, "GET", "/v1/version", "what the daemon is", d.getVersion),
		plain("GET", "/v1/openapi.json", "this API as an OpenAPI 3.1 document", nil, nil, 200,
			d.openAPI),
		plain("GET", "/v1/docs", "this API as a page", nil, nil, 200, d.page),
		plain("GET", "/healthz", "the daemon lives", nil, nil, 200, d.healthy),
		plain("GET", "/readyz", "the daemon takes work", nil, nil, 200, d.ready),
		plain("GET", "/metrics", "counts for Prometheus", nil, nil, 200, d.metrics),
	}
}

func (d *daemon) routes() http.Handler {
	mux := http.NewServeMux()
	for _, r := range d.table() {
		mux.HandleFunc(r.Method+" "+r.Path, r.handle)
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
	return d.admit(mux)
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

func (d *daemon) listPolicies(*http.Request) (*api.Policies, error) {
	return &api.Policies{Policies: d.cfg.Load().Names()}, nil
}

func (d *daemon) getVersion(*http.Request) (*api.Version, error) {
	return &api.Version{Version: d.opt.Version, API: "v1"}, nil
}

// document describes the API.
func (d *daemon) describe() (*openapi.Doc, error) {
	var operations []openapi.Operation
	for _, r := range d.table() {
		operations = append(operations, r.Operation)
	}
	return openapi.Document(operations, "mcpbox serve", openapi.Names{
		reflect.TypeFor[policies.Rule](): "DetectionRule",
		reflect.TypeFor[access.Rule]():   "AccessRule",
	})
}

// openAPI: GET /v1/openapi.json
func (d *daemon) openAPI(w http.ResponseWriter, r *http.Request) {
	doc, err := d.describe()
	if err != nil {
		d.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, doc)
}

// page: GET /v1/docs
func (d *daemon) page(w http.ResponseWriter, r *http.Request) {
	doc, err := d.describe()
	if err != nil {
		d.fail(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; "+
		"frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(w, doc.Page())
}

func (d *daemon) healthy(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("ok\n")) }

func (d *daemon) ready(w http.ResponseWriter, r *http.Request) {
	if d.draining.Load() {
		d.problem(w, r, unavailable())
		return
	}
	d.healthy(w, r)
}
