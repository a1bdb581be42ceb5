package server

import (
	"encoding/json"
	"net/http"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/internal/door"
)

// choose finds the policy that a client asks for, and whether the client may have it.
func (d *daemon) choose(
	id door.Identity,
	name string,
	document json.RawMessage,
) (p *policies.Policy, fresh bool, err error) {
	cfg := d.cfg.Load()
	if len(document) > 0 && string(document) != "null" {
		if name != "" {
			return nil, false, newProblem(http.StatusUnprocessableEntity, "give one of them",
				"policy and policy_document exclude each other")
		}
		p, err = d.document(id, document)
		return p, true, err
	}
	if p, err = cfg.Policy(name); err != nil {
		return nil, false, bad(err)
	}
	if id.Restricted && !cfg.Operators(name) {
		err = d.mayHave(p)
	}
	return p, false, err
}

// mayHave refuses presets that a restricted client may not use.
func (d *daemon) mayHave(p *policies.Policy) error {
	may := d.cfg.Load().Restricted
	switch {
	case p.Isolation == policies.IsolationNone && !may.NoSandbox:
		return forbidden("policy "+p.Name+" has no sandbox",
			"the operator can allow it in the config: restricted: {no_sandbox: true}")
	case p.Network.Mode == policies.NetworkHost && !may.HostNetwork:
		return forbidden("policy "+p.Name+" has the host's network",
			"the operator can allow it in the config: restricted: {host_network: true}")
	}
	return nil
}

func forbidden(detail, remedy string) *api.Problem {
	return newProblem(http.StatusForbidden, remedy, detail+": this client may not use it")
}

// document reads a policy that came with the request.
func (d *daemon) document(id door.Identity, document json.RawMessage) (*policies.Policy, error) {
	cfg := d.cfg.Load()
	if id.Restricted && !cfg.Restricted.Documents {
		return nil, forbidden(
			"a policy of the client's own",
			"name one that the config lists; the operator can allow documents: "+
				"restricted: {documents: true}",
		)
	}
	p := new(policies.Policy)
	if err := json.Unmarshal(document, p); err != nil {
		return nil, bad(err)
	}
	if p.Name == "" || p.Name == "policy" {
		p.Name = "document"
	}
	if id.Restricted {
		if len(p.Secrets) > 0 {
			return nil, forbidden("a policy of the client's own with secrets",
				"name a policy that the config lists")
		}
		if err := d.mayHave(p); err != nil {
			return nil, err
		}
		if len(p.Filesystem.Mounts) > 0 || p.Filesystem.Rootfs != "" || len(p.Limits.IO) > 0 ||
			p.MCP.Pin.File != "" {
			return nil, forbidden("a policy that names files of the host",
				"name one that the config lists")
		}
		if standard, err := policies.Preset("standard"); err != nil ||
			!within(p.Environment.Pass, standard.Environment.Pass) {
			return nil, forbidden("a policy that passes on the daemon's environment",
				"set the variables: environment: {set: …}")
		}
	}
	p, err := cfg.WithRules(p)
	if err == nil {
		err = monitor.CheckRules(p.Rules)
	}
	if err != nil {
		return nil, bad(err)
	}
	return p, nil
}

func within(some, all []string) bool {
	have := map[string]bool{}
	for _, s := range all {
		have[s] = true
	}
	for _, s := range some {
		if !have[s] {
			return false
		}
	}
	return true
}
