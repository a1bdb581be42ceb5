package main

import (
	"github.com/mcpbox/mcpbox/egress/secret"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

// sources say where the policy's secrets come from: --secret first, then the user's own file.
func (f *sandboxFlags) sources(p *policies.Policy) (map[string]secret.Source, error) {
	if len(p.Secrets) == 0 && len(f.secrets) == 0 {
		return nil, nil
	}
	lookup := f.who().lookupEnv
	file := secret.ConfigFile(lookup)
	if err := outOfReach(p, f.streams(), file); err != nil {
		return nil, err
	}
	out, err := secret.Config(file, lookup)
	if err != nil {
		return nil, err
	}
	if out == nil {
		out = map[string]secret.Source{}
	}
	for _, text := range f.secrets {
		s, err := secret.Parse(text, lookup)
		if err != nil {
			return nil, hint.Errorf(hint.Of(err), "--secret: %w", err)
		}
		out[s.Name] = s
	}
	return out, nil
}
