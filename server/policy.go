package server

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/mcpbox/mcpbox/internal/safetext"
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
		if err := d.mayHave(p); err != nil {
			return nil, err
		}
		if err := d.mayWrite(p); err != nil {
			return nil, err
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

// mayWrite refuses a restricted client's policy that allows anything that no preset with a private
// network allows: files of the host, hosts, secrets, system calls, or more of a limit.
func (d *daemon) mayWrite(p *policies.Policy) error {
	var least []string
	for i, name := range []string{"standard", "strict", "maximum"} {
		preset, err := policies.Preset(name)
		if err != nil {
			return err
		}
		more := d.wider(preset, p)
		if len(more) == 0 {
			return nil
		}
		if i == 0 || len(more) < len(least) {
			least = more
		}
	}
	return forbidden("a policy that allows more than a preset ("+least[0]+")",
		"leave it out, or name a policy that the config lists")
}

// wider lists what p allows beyond a preset.
func (d *daemon) wider(preset, p *policies.Policy) (more []string) {
	for _, c := range policies.Diff(preset, p) {
		section, _, _ := strings.Cut(c.Path, ".")
		added := c.New != "" && c.New != "(unset)"
		ok := false
		switch {
		case c.Path == "environment.pass", c.Path == "syscalls.allow":
			ok = !added
		case c.Path == "syscalls.deny", c.Path == "filesystem.hidden", c.Path == "require":
			ok = added
		case c.Path == "network.mode":
			ok = p.Network.Mode == policies.NetworkNone || d.cfg.Load().Restricted.HostNetwork
		case section == "network":
			ok = d.cfg.Load().Restricted.HostNetwork
		case section == "limits":
			continue // as numbers, below
		case strings.HasPrefix(c.Path, "environment.set"), c.Path == "filesystem.folders",
			c.Path == "syscalls.violation", section == "rules", section == "code",
			section == "guard", c.Path == "version":
			ok = true
		}
		if !ok {
			more = append(more, safetext.Clean(c.String(), 120))
		}
	}
	own, most := p.Limits, preset.Limits
	for _, l := range []struct {
		name      string
		own, most float64
	}{
		{"memory", float64(own.Memory), float64(most.Memory)},
		{"cpus", own.CPUs, most.CPUs},
		{"pids", float64(own.PIDs), float64(most.PIDs)},
		{"disk", float64(own.Disk), float64(most.Disk)},
		{"file_size", float64(own.FileSize), float64(most.FileSize)},
		{"open_files", float64(own.OpenFiles), float64(most.OpenFiles)},
		{"output", float64(own.Output), float64(most.Output)},
		{"timeout", float64(own.Timeout), float64(most.Timeout)},
		{"cpu_time", float64(own.CPUTime), float64(most.CPUTime)},
		{"io_weight", float64(own.IOWeight), float64(most.IOWeight)},
	} {
		if l.most > 0 && (l.own == 0 || l.own > l.most) {
			more = append(more, "limits."+l.name)
		}
	}
	if len(own.IO) > 0 { // it names devices of the host
		more = append(more, "limits.io")
	}
	return more
}
