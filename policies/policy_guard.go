package policies

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
