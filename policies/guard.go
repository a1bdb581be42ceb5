package policies

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Guard is the check of a snippet before `mcpbox code` runs it. It is defence in depth: the sandbox
// contains whatever the guard misses.
//
// The built-in rules come with mcpbox (package code/guard). A rule has a name, a severity and a
// reason. Deny adds names, Allow removes names. A name may include its language: python/os,
// javascript/fs, shell/curl.
type Guard struct {
	Mode GuardMode `yaml:"mode,omitempty" json:"mode,omitempty" enum:"off,warn,deny"`
	// mode deny: the least severity that is refused; default medium
	Refuse  string     `yaml:"refuse,omitempty" json:"refuse,omitempty" enum:"low,medium,high"`
	Modules GuardNames `yaml:"modules,omitempty" json:"modules,omitzero"`
	// functions; for a shell: commands
	Calls      GuardNames `yaml:"calls,omitempty" json:"calls,omitzero"`
	Attributes GuardNames `yaml:"attributes,omitempty" json:"attributes,omitzero"`
}

// GuardMode says what happens after a finding.
type GuardMode string

const (
	GuardOff  GuardMode = "off"  // no check (same as unset)
	GuardWarn GuardMode = "warn" // findings are in the result, the snippet runs
	GuardDeny GuardMode = "deny" // a snippet with findings of severity Refuse or worse does not run
)

// GuardNames changes one list of rules. Names found in such a Deny list are of severity high.
type GuardNames struct {
	Deny  []string `yaml:"deny,omitempty" json:"deny,omitempty"`
	Allow []string `yaml:"allow,omitempty" json:"allow,omitempty"`
}

// On reports whether the guard checks snippets.
func (g *Guard) On() bool { return g.Mode == GuardWarn || g.Mode == GuardDeny }

func (c *checker) guard(g *Guard) {
	c.enum("guard.mode", string(g.Mode), string(GuardOff), string(GuardWarn), string(GuardDeny))
	c.enum("guard.refuse", g.Refuse, "low", "medium", "high")
	for _, list := range []struct {
		path  string
		names GuardNames
	}{{"guard.modules", g.Modules}, {"guard.calls", g.Calls}, {"guard.attributes", g.Attributes}} {
		c.guardNames(list.path+".deny", list.names.Deny)
		c.guardNames(list.path+".allow", list.names.Allow)
		for i, name := range list.names.Allow {
			if slices.Contains(list.names.Deny, name) {
				c.fail(fmt.Sprintf("%s.allow[%d]", list.path, i), "take it out of one of them",
					"%s: %s is in both deny and allow", list.path, name)
			}
		}
	}
}

func (c *checker) guardNames(path string, names []string) {
	unfit := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }
	for i, name := range names {
		if name == "" || strings.ContainsFunc(name, unfit) {
			c.fail(fmt.Sprintf("%s[%d]", path, i), "such as os, eval, __subclasses__ or shell/curl",
				"%s: %q is not a name", path, name)
		}
	}
}
