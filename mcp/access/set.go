package access

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/internal/semver"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// Set holds compiled rules. It never changes, so several goroutines may use it.
type Set struct {
	rules        map[Layer][]Rule
	closed       map[Layer]bool          // layers that refuse what no rule allows
	ranges       map[string]semver.Range // parsed version ranges, by their text
	capabilities *capabilities           // nil: everything is granted
	fromPolicy   bool                    // reasons and hints name policy keys
	server       *Server                 // what runs; nil: unknown

	compiled *parameterCache
}

var _ Allowlist = (*Set)(nil)

func newSet() *Set {
	return &Set{rules: map[Layer][]Rule{}, closed: map[Layer]bool{},
		ranges: map[string]semver.Range{}, compiled: &parameterCache{}}
}

// NewSet checks the rules and makes those ready that apply now. Tools, resources and prompts that
// no rule allows are refused.
func NewSet(list []Rule) (*Set, error) { return NewSetAt(list, time.Now()) }

// NewSetAt makes those ready that apply at another time. What a rule allows that does not apply is
// refused, in layers too that allow what no rule is about.
func NewSetAt(list []Rule, at time.Time) (*Set, error) {
	list, err := CanonicalRules(list)
	if err != nil {
		return nil, err
	}
	s := newSet()
	for _, l := range []Layer{LayerTool, LayerResource, LayerPrompt} {
		s.closed[l] = true
	}
	for _, r := range list {
		if r.off = !r.AppliesAt(at); !r.off || r.Effect == Allow {
			s.add(r)
		}
	}
	return s, nil
}

// CanonicalRules checks rules, whether they apply now or not, and returns them in order and in the
// form that is stored and compared.
func CanonicalRules(list []Rule) ([]Rule, error) {
	out := make([]Rule, 0, len(list))
	seen := map[string]bool{}
	for _, r := range list {
		r, err := r.Canonical()
		if err != nil {
			return nil, err
		}
		if seen[r.ID()] {
			return nil, fmt.Errorf("rule: %s is there twice", r)
		}
		seen[r.ID()] = true
		out = append(out, r)
	}
	SortRules(out)
	return out, nil
}

// For returns the same rules for a known server. Without For the program is unknown: rules that
// deny a program match, and rules that allow one do not.
func (s *Set) For(server Server) *Set {
	out := *s
	out.server = &server
	return &out
}

// WithoutServerRules returns the set without the rules about which server may run. Use it after
// that decision was made.
func (s *Set) WithoutServerRules() *Set { return s.without(func(Rule) bool { return true }) }

// WithoutProgramRules returns the set without the rules that tie a server to a program. Use it
// where the program is unknown.
func (s *Set) WithoutProgramRules() *Set {
	return s.without(func(r Rule) bool {
		return r.Layer == LayerPackage || strings.HasPrefix(r.Match, digestPrefix) ||
			strings.HasPrefix(r.Match, commandPrefix)
	})
}

func (s *Set) without(drop func(Rule) bool) *Set {
	out := *s
	out.rules = map[Layer][]Rule{}
	for l, list := range s.rules {
		if l == LayerServer || l == LayerPackage {
			list = slices.DeleteFunc(slices.Clone(list), drop)
		}
		out.rules[l] = list
	}
	return &out
}

// Restricts reports whether anything may be refused.
func (s *Set) Restricts() bool {
	return s.capabilities != nil || slices.ContainsFunc(Layers(), s.decides)
}

// NeedsDigest reports whether a rule names the digest of a program.
func (s *Set) NeedsDigest() bool {
	return slices.ContainsFunc(s.rules[LayerServer],
		func(r Rule) bool { return strings.HasPrefix(r.Match, digestPrefix) })
}

// Changed implements Allowlist: a set never changes.
func (s *Set) Changed() <-chan struct{} { return nil }

// Check asks every layer except the parameter layer. A resource must pass under every reading of
// its URI.
func (s *Set) Check(i Item) Verdict {
	if v := s.CheckServer(i.Server); !v.Allowed {
		return v
	}
	if v := s.CheckVersion(i.Server, i.Version); !v.Allowed {
		return v
	}
	if v := s.checkItem(i); !v.Allowed || i.Kind != KindResource || !s.decides(LayerResource) {
		return v
	}
	readings, err := Readings(i.Name)
	if err != nil {
		return s.refuse(LayerResource, "%v", err)
	}
	for _, i.Name = range readings[1:] {
		if v := s.checkItem(i); !v.Allowed {
			v.Reason = fmt.Sprintf("it is %s: %s", safetext.Clean(i.Name, 80), v.Reason)
			return v
		}
	}
	return Verdict{Allowed: true}
}

// decides reports whether a layer may refuse anything.
func (s *Set) decides(l Layer) bool { return s.closed[l] || len(s.rules[l]) > 0 }

func (s *Set) refuse(layer Layer, format string, args ...any) Verdict {
	return Verdict{Layer: layer, Reason: fmt.Sprintf(format, args...), Hint: s.hint(layer)}
}

// CheckServer decides whether a server may run, by its name and by the program given to For.
func (s *Set) CheckServer(name string) Verdict {
	for _, r := range s.rules[LayerGlobal] {
		if r.Effect == Deny && Match(r.Server, name) {
			return s.refuse(LayerGlobal, "%s refuses everything", s.source(r))
		}
	}
	isServer := func(r Rule) bool { return s.isServer(r, name) }
	v := s.decide(LayerServer, name, isServer, func() string {
		if s.fromPolicy && s.server != nil { // a policy names servers by command line
			return strconv.Quote(strings.Join(s.server.Command, " "))
		}
		return "the server " + name
	})
	if !v.Allowed {
		return v
	}
	return s.decide(LayerPackage, name, s.isPackage, func() string {
		if s.server == nil || s.server.Package == "" {
			return "a server of no known package"
		}
		return fmt.Sprintf("the package %s %s", s.server.Package, s.server.PackageVersion)
	})
}

// isServer reports whether a rule of the server layer matches. An unknown program matches every
// rule that denies a program, and no rule that allows one.
func (s *Set) isServer(r Rule, name string) bool {
	if digest, ok := strings.CutPrefix(r.Match, digestPrefix); ok {
		if s.server == nil || s.server.Digest == "" {
			return r.Effect == Deny
		}
		return digest == s.server.Digest
	}
	if pattern, ok := strings.CutPrefix(r.Match, commandPrefix); ok {
		if s.server == nil || len(s.server.Command) == 0 {
			return r.Effect == Deny
		}
		return Match(pattern, strings.Join(s.server.Command, " "))
	}
	return Match(r.Match, name)
}

func (s *Set) isPackage(r Rule) bool {
	if s.server == nil || s.server.Package == "" {
		return r.Effect == Deny
	}
	name, span := splitPackage(r.Match)
	return Match(name, s.server.Package) && s.inRange(span, s.server.PackageVersion, r.Effect)
}

// splitPackage splits NAME@RANGE. The name itself may begin with an @.
func splitPackage(match string) (name, span string) {
	if at := strings.LastIndexByte(match, '@'); at > 0 {
		return match[:at], match[at+1:]
	}
	return match, "*"
}

// inRange reports whether a version is in a range. A version that can't be parsed counts as outside
// of ranges that allow, and as inside ranges that deny.
func (s *Set) inRange(span, version string, effect Effect) bool {
	v, err := semver.Parse(version)
	r, known := s.ranges[span]
	if err != nil || !known {
		return effect == Deny
	}
	return r.Contains(v)
}

// CheckVersion decides whether a server that reports this version may be used.
func (s *Set) CheckVersion(server, version string) Verdict {
	inRange := func(r Rule) bool { return s.inRange(r.Match, version, r.Effect) }
	return s.decide(LayerVersion, server, inRange, func() string {
		if version == "" {
			return "a server that has not reported its version"
		}
		return fmt.Sprintf("the version %q of %s", safetext.Clean(version, 40), server)
	})
}

func (s *Set) checkItem(i Item) Verdict {
	isItem := func(r Rule) bool { return r.names(i.Name) }
	v := s.decide(layerOf(i.Kind), i.Server, isItem, func() string {
		return fmt.Sprintf("the %s %s of the server %s", i.Kind, safetext.Clean(i.Name, 80),
			i.Server)
	})
	if !v.Allowed || i.Kind != KindTool {
		return v
	}
	if _, err := s.parameters(i); err != nil {
		return s.refuse(LayerParameter, "the rules for the arguments of %s are not valid: %v",
			i.Name, err)
	}
	if s.capabilities != nil {
		if err := s.capabilities.check(i.Name); err != nil {
			return s.refuse(LayerCapability, "%v", err)
		}
	}
	return v
}

// names reports whether the rule matches this name. A rule that denies also matches names that a
// server could take for the denied one.
func (r Rule) names(name string) bool {
	return Match(r.Match, name) ||
		r.Effect == Deny && Match(wire.Canonical(r.Match), wire.Canonical(name))
}

// decide asks one layer. A rule that denies wins. Without a rule that allows, the layer refuses if
// it is closed, or if one of its rules allows something else for this server.
func (s *Set) decide(l Layer, server string, matches func(Rule) bool, what func() string) Verdict {
	allowed, closed := false, s.closed[l]
	for _, r := range s.rules[l] {
		if !Match(r.Server, server) {
			continue
		}
		switch hit := !r.off && matches(r); {
		case hit && r.Effect == Deny:
			v := s.refuse(l, "%s is denied by %s (%s)", what(), s.source(r),
				strings.TrimPrefix(r.Match, commandPrefix))
			if s.fromPolicy && l == LayerServer {
				v.Hint = "run another server, or change mcp.server.deny"
			}
			return v
		case hit:
			allowed = true
		case r.Effect == Allow:
			closed = true
		}
	}
	if !allowed && closed {
		return s.refuse(l, "%s", s.noRule(l, what()))
	}
	return Verdict{Allowed: true}
}

// Rules returns the rules, sorted by layer, server and match.
func (s *Set) Rules() (out []Rule) {
	for _, l := range Layers() {
		out = append(out, s.rules[l]...)
	}
	SortRules(out)
	return out
}

// SortRules sorts rules into the order in which they decide and are shown.
func SortRules(list []Rule) {
	slices.SortFunc(list, func(a, b Rule) int {
		if d := slices.Index(Layers(), a.Layer) - slices.Index(Layers(), b.Layer); d != 0 {
			return d
		}
		if d := strings.Compare(a.Server, b.Server); d != 0 {
			return d
		}
		return strings.Compare(a.Match, b.Match)
	})
}

// NamedBy reports whether a rule of the item's own layer denies it, and whether one allows it.
func (s *Set) NamedBy(i Item) (denied, allowed bool) {
	for _, r := range s.rules[layerOf(i.Kind)] {
		if !r.off && Match(r.Server, i.Server) && Match(r.Match, i.Name) {
			denied = denied || r.Effect == Deny
			allowed = allowed || r.Effect == Allow
		}
	}
	return denied, allowed
}
