package config

import (
	"fmt"
	"slices"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// loadPolicies reads every policy that has a name: presets, tiers and the file's. The pool knows a
// policy by its pointer, so each is read once.
func (c *Config) loadPolicies() error {
	c.plain = map[string]*policies.Policy{}
	for _, name := range policies.BuiltinNames() {
		p, err := policies.Preset(name)
		if err != nil {
			return err
		}
		c.plain[name] = p
	}
	for name, file := range c.Policies {
		if c.plain[name] != nil {
			return at(hint.Errorf("give it another name",
				"policy %q: there is a preset of this name", name), "$.policies.%s", name)
		}
		if !plainName(name) {
			return at(hint.Errorf("use letters, digits, dots and dashes",
				"policy %q has no plain name", name), "$.policies")
		}
		p, err := policies.Load(c.Path(file))
		if err != nil {
			return at(err, "$.policies.%s", name)
		}
		p.Name = name
		c.plain[name] = p
	}
	if err := c.addRules(); err != nil {
		return err
	}
	for name, s := range c.Servers {
		if _, err := c.Policy(s.Policy); err != nil {
			return at(hint.Wrap(err, "server "+name+" needs a policy that is listed, or a preset"),
				"$.servers.%s.policy", name)
		}
	}
	for i, name := range c.Pool.Warm {
		if _, err := c.Policy(name); err != nil {
			return at(err, "$.pool.warm[%d]", i)
		}
	}
	return nil
}

// addRules gives every policy the daemon's own rules.
func (c *Config) addRules() (err error) {
	c.loaded = map[string]*policies.Policy{}
	for name, p := range c.plain {
		if c.loaded[name], err = c.WithRules(p); err != nil {
			return hint.Wrap(fmt.Errorf("policy %s: %w", name, err), hint.Of(err))
		}
	}
	return nil
}

// WithRules is p with the daemon's own rules: those of the file, and those that were added.
func (c *Config) WithRules(p *policies.Policy) (*policies.Policy, error) {
	if len(c.Rules)+len(c.added) == 0 {
		return p, nil
	}
	out := *p
	out.Rules = slices.Concat(p.Rules, c.Rules, c.added)
	return &out, monitor.CheckRules(out.Rules)
}

// With is the same configuration with rules that operators have added.
func (c *Config) With(added []policies.Rule) (*Config, error) {
	out := *c
	out.added = added
	return &out, out.addRules()
}

// Policy is the one of this name. An empty name is standard.
func (c *Config) Policy(name string) (*policies.Policy, error) {
	if name == "" {
		name = "standard"
	}
	if p := c.loaded[name]; p != nil {
		return p, nil
	}
	return nil, hint.Errorf("GET /v1/policies lists them; the daemon's config adds some",
		"there is no policy %q", name)
}

// Own are the rules that a policy has itself.
func (c *Config) Own(name string) []policies.Rule {
	if p := c.plain[name]; p != nil {
		return p.Rules
	}
	return nil
}

// Operators reports whether the name is one that the config file gives.
func (c *Config) Operators(name string) bool { return c.Policies[name] != "" }

// Names lists the policies.
func (c *Config) Names() (out []string) {
	for name := range c.loaded {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
