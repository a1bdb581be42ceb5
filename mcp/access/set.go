package access

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/mcpbox/mcpbox/internal/semver"
)

// Set is rules to ask. It doesn't change, and may be asked from several goroutines.
type Set struct {
	rules map[Layer][]Rule
	spans map[string]semver.Range // by a version rule's match

	schemas sync.Map // compiled for CheckArguments, by server and tool
}

// Server is what the proxy runs as a server.
type Server struct {
	Name    string   // the server's, as the proxy calls it
	Command []string // its command line
	Digest  string   // SHA-256 of its program, hexadecimal; "" if unknown
}

// NewSet checks the rules and makes them ready.
func NewSet(list []Rule) (*Set, error) {
	s := &Set{rules: map[Layer][]Rule{}, spans: map[string]semver.Range{}}
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
		if r.Layer == LayerVersion {
			if s.spans[r.Match], err = semver.ParseRange(r.Match); err != nil {
				return nil, err
			}
		}
		s.rules[r.Layer] = append(s.rules[r.Layer], r)
	}
	return s, nil
}

// Check asks every layer but the parameters. launch is nil if the proxy didn't say what it runs.
func (s *Set) Check(i Item, launch *Server) Verdict {
	for _, r := range s.rules[LayerGlobal] {
		if r.Effect == Deny && glob(r.Server, i.Server) {
			return refuse(LayerGlobal, "the allowlist is switched off: rule %s", r.ID())
		}
	}
	if launch == nil {
		launch = &Server{Name: i.Server}
	}
	if v := s.checkServer(*launch, i.Server); !v.Allowed {
		return v
	}
	if v := s.checkVersion(i); !v.Allowed {
		return v
	}
	return s.checkItem(i)
}

func refuse(layer Layer, format string, args ...any) Verdict {
	return Verdict{Layer: layer, Reason: fmt.Sprintf(format, args...)}
}

// CheckServer asks whether a server may run at all.
func (s *Set) CheckServer(l Server) Verdict {
	for _, r := range s.rules[LayerGlobal] {
		if r.Effect == Deny && glob(r.Server, l.Name) {
			return refuse(LayerGlobal, "the allowlist is switched off: rule %s", r.ID())
		}
	}
	return s.checkServer(l, l.Name)
}

func (s *Set) checkServer(l Server, name string) Verdict {
	matches := func(r Rule) bool {
		// What is unknown may be what is denied, and is not what is allowed.
		if digest, ok := strings.CutPrefix(r.Match, digestPrefix); ok {
			return digest == l.Digest || l.Digest == "" && r.Effect == Deny
		}
		if pattern, ok := strings.CutPrefix(r.Match, commandPrefix); ok {
			return len(l.Command) > 0 && glob(pattern, strings.Join(l.Command, " ")) || len(l.Command) == 0 && r.Effect == Deny
		}
		return glob(r.Match, name)
	}
	return s.layer(LayerServer, name, matches, false, "the server "+name)
}

func (s *Set) checkVersion(i Item) Verdict {
	v, err := semver.Parse(i.Version)
	matches := func(r Rule) bool {
		if err != nil { // what can't be compared is in no range that allows, and in each that denies
			return r.Effect == Deny
		}
		return s.spans[r.Match].Contains(v)
	}
	return s.layer(LayerVersion, i.Server, matches, false, fmt.Sprintf("the version %q of %s", i.Version, i.Server))
}

func (s *Set) checkItem(i Item) Verdict {
	return s.layer(Layer(i.Kind), i.Server, func(r Rule) bool { return glob(r.Match, i.Name) }, true, fmt.Sprintf("the %s %s of the server %s", i.Kind, i.Name, i.Server))
}

// layer decides: denied by a rule, allowed by one, or by none. Then closed says no, and so does a layer that has a rule
// which allows something else to this server.
func (s *Set) layer(l Layer, server string, matches func(Rule) bool, closed bool, what string) Verdict {
	allowed := false
	for _, r := range s.rules[l] {
		if !glob(r.Server, server) {
			continue
		}
		switch hit := matches(r); {
		case hit && r.Effect == Deny:
			return refuse(l, "%s is denied by rule %s (%s)", what, r.ID(), r.Match)
		case hit:
			allowed = true
		case r.Effect == Allow:
			closed = true
		}
	}
	if !allowed && closed {
		return refuse(l, "no rule allows %s", what)
	}
	return Verdict{Allowed: true}
}

// Rules are the rules, by layer, server and match.
func (s *Set) Rules() (out []Rule) {
	for _, l := range Layers() {
		out = append(out, s.rules[l]...)
	}
	SortRules(out)
	return out
}

// WithoutProgramRules is the set without the rules that tie a server to a program: for where it is not known what ran.
func (s *Set) WithoutProgramRules() *Set {
	out := &Set{rules: map[Layer][]Rule{}, spans: s.spans}
	for l, list := range s.rules {
		for _, r := range list {
			if l != LayerServer || !strings.HasPrefix(r.Match, digestPrefix) && !strings.HasPrefix(r.Match, commandPrefix) {
				out.rules[l] = append(out.rules[l], r)
			}
		}
	}
	return out
}

// SortRules puts rules in the order in which they are asked and shown.
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

// NamedBy tells what the rules of its own layer say of an item: whether one denies it, and whether one allows it.
func (s *Set) NamedBy(i Item) (denied, allowed bool) {
	for _, r := range s.rules[Layer(i.Kind)] {
		if glob(r.Server, i.Server) && glob(r.Match, i.Name) {
			denied = denied || r.Effect == Deny
			allowed = allowed || r.Effect == Allow
		}
	}
	return denied, allowed
}

// HasParameters tells whether a rule is about the arguments of a tool.
func (s *Set) HasParameters(server, tool string) bool { return len(s.about(server, tool)) > 0 }
