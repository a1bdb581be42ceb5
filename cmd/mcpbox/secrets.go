package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/mcpbox/mcpbox/egress/secret"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

// secretFlag and allowNetFlag are the same in every command that has them.
func secretFlag(fl *pflag.FlagSet, to *[]string) {
	fl.StringArrayVar(to, "secret", nil, "where a secret of the policy comes from: "+
		"`NAME=env:VAR|file:PATH|cmd:COMMAND`; the tool gets a placeholder (may be repeated)")
}

func allowNetFlag(fl *pflag.FlagSet, to *[]string) {
	fl.StringArrayVar(to, "allow-net", nil,
		"allow TCP to `HOST[:PORT]` and to nothing else; *.HOST is every name below it (may be "+
			"repeated; default ports: 443, 80)")
}

// allowNet adds the hosts of --allow-net to a policy. Policy none has the host's network anyway.
func allowNet(p *policies.Policy, hosts []string) error {
	for _, text := range hosts {
		rule, err := policies.ParseNetworkRule(text)
		if err != nil {
			return fmt.Errorf("--allow-net: %w", err)
		}
		if p.Isolation != policies.IsolationNone {
			p.AllowNetwork(rule)
		}
	}
	return nil
}

// sources returns where the policy's secrets come from: from --secret, or else from the user's own
// file.
func (c *caller) sources(p *policies.Policy, flags []string) (map[string]secret.Source, error) {
	if len(p.Secrets) == 0 && len(flags) == 0 {
		return nil, nil
	}
	lookup := c.lookupEnv
	file := secret.ConfigFile(lookup)
	if err := outOfReach(p, c.streams(), file); err != nil {
		return nil, err
	}
	out, err := secret.Config(file, lookup)
	if err != nil {
		return nil, err
	}
	if out == nil {
		out = map[string]secret.Source{}
	}
	for _, text := range flags {
		s, err := secret.Parse(text, lookup)
		if err != nil {
			return nil, hint.Errorf(hint.Of(err), "--secret: %w", err)
		}
		out[s.Name] = s
	}
	return out, nil
}
