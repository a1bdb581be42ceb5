package server

import (
	"net/http"
	"strings"

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
		{"POST", "/v1/sandboxes/{id}/resume", "let its programs go on", nil, api.Sandbox{}, 200, nil,
			d.resumeSandbox},
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
		{"GET", "/healthz", "the daemon lives", nil, nil, 200, nil, d.healthy},
		{"GET", "/readyz", "the daemon takes work", nil, nil, 200, nil, d.ready},
		{"GET", "/metrics", "counts for Prometheus", nil, nil, 200, nil, d.metrics},
	}
}

func (d *daemon) routes() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, r := range d.table() {
		mux.HandleFunc(r.method+" "+r.path, r.handle)
		methods[r.path] = append(methods[r.path], r.method)
	}
	// MCP's own protocol: the bridge answers every method.
	mux.HandleFunc("/v1/servers/{name}/mcp", d.serverMCP)
	mux.HandleFunc("/v1/mcp", d.codeMCP)
	for path, allowed := range methods {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			list := strings.Join(allowed, ", ")
			w.Header().Set("Allow", list)
			d.problem(
				w,
				r,
				newProblem(
					http.StatusMethodNotAllowed,
					"use "+list,
					"this method is not for this address",
				),
			)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		d.problem(
			w,
			r,
			newProblem(
				http.StatusNotFound,
				"GET /v1/openapi.json lists the addresses",
				"there is nothing at this address",
			),
		)
	})
	return mux
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
	executions, events, err := d.db.Erase(visibleName(r), r.PathValue("caller"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, api.Erased{Executions: executions, Events: events})
}
