package main

import (
	"path/filepath"
	"strings"

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
	for _, s := range p.Secrets {
		if err := outOfSight(out[s.Name], p.Filesystem.Mounts); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// outOfSight refuses a secret's file that lies in a folder that the tool sees.
func outOfSight(s secret.Source, mounts []policies.Mount) error {
	path := s.File()
	if path == "" {
		return nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil // reading it will say
	}
	for _, m := range mounts {
		source := strings.TrimSuffix(m.Source, "/")
		if real == source || strings.HasPrefix(real, source+"/") {
			return hint.Errorf("keep it elsewhere, or bind less",
				"the file of the secret %s lies in %s, which the tool can read", s.Name, m.Source)
		}
	}
	return nil
}
