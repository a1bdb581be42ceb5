package policies

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies/hostrule"
)

// SecretMark stands for the secret in Secret.Format.
const SecretMark = "{secret}"

// Secret names a secret that some hosts need, and its place in a request. A policy never has its
// value. The tool gets a placeholder in the environment variable Name. On the way to the hosts
// mcpbox replaces the placeholder, only in the places that Header, Basic and Query name.
type Secret struct {
	Name string `yaml:"name" json:"name"`
	// HOST or HOST:PORT, where TLS is spoken; without a port it is 443. See package hostrule
	Hosts  []string `yaml:"hosts" json:"hosts"`
	Header string   `yaml:"header,omitempty" json:"header,omitempty"`
	// the header's whole value, with SecretMark in it; "": only the placeholder is replaced
	Format string `yaml:"format,omitempty" json:"format,omitempty"`
	// the user name or the password of basic authentication (RFC 7617)
	Basic bool   `yaml:"basic,omitempty" json:"basic,omitempty"`
	Query string `yaml:"query,omitempty" json:"query,omitempty"` // the name of a parameter
}

// Rules returns the hosts. In a validated policy there is no error.
func (s *Secret) Rules() ([]hostrule.Rule, error) {
	out := make([]hostrule.Rule, 0, len(s.Hosts))
	for _, text := range s.Hosts {
		r, err := hostrule.Parse(text)
		if err != nil {
			return nil, err
		}
		if r.Any || r.Range.IsValid() {
			return nil, hint.Errorf("name the hosts that the secret is for: api.example.com",
				"%q stands for hosts that are not named", text)
		}
		if len(r.Ports) == 0 {
			r.Ports = []int{443}
		}
		out = append(out, r)
	}
	return out, nil
}

// Place returns where the secret goes: "into the header Authorization, at api.github.com".
func (s *Secret) Place() string {
	var where []string
	if s.Header != "" {
		where = append(where, "into the header "+s.Header)
	}
	if s.Basic {
		where = append(where, "into basic authentication")
	}
	if s.Query != "" {
		where = append(where, "into the parameter "+s.Query)
	}
	return strings.Join(where, " or ") + ", at " + strings.Join(s.Hosts, ", ")
}

// Inspected reports whether mcpbox reads the content of connections, for a secret or for methods.
func (p *Policy) Inspected() bool {
	return len(p.Secrets) > 0 || slices.ContainsFunc(p.Network.Allow,
		func(r NetworkRule) bool { return len(r.Methods) > 0 })
}

// reservedHeaders belong to the connection or the message, so a secret can't go there.
var reservedHeaders = [...]string{"host", "connection", "content-length", "transfer-encoding",
	"upgrade", "te", "trailer", "expect", "proxy-connection", "keep-alive", "content-encoding",
	"accept-encoding"}

func (c *checker) secrets(p *Policy) {
	seen := map[string]bool{}
	for i := range p.Secrets {
		s, at := &p.Secrets[i], fmt.Sprintf("secrets[%d]", i)
		if !variableName(s.Name) {
			c.fail(at+".name", "such as GITHUB_TOKEN: the tool's environment variable",
				"%s: %q is no name of an environment variable", at, s.Name)
		}
		if seen[s.Name] {
			c.fail(at+".name", "give each a name of its own", "%s: %s is named twice", at, s.Name)
		}
		seen[s.Name] = true
		c.secretPlace(s, at)
		c.secretHosts(p, s, at)
	}
	switch {
	case len(p.Secrets) == 0:
	case p.Isolation == IsolationNone:
		c.fail("secrets", "choose a policy with a sandbox", "secrets need a sandbox")
	case p.Network.Mode != NetworkAllow:
		c.fail("secrets", "write network: {mode: allow, allow: [HOST]}, or --allow-net HOST",
			"secrets need network.mode allow, and it is %s", orNone(p.Network.Mode))
	}
}

// secretPlace checks where the secret goes.
func (c *checker) secretPlace(s *Secret, at string) {
	if s.Header == "" && !s.Basic && s.Query == "" {
		c.fail(at, `such as header: Authorization, format: "Bearer {secret}"`,
			"%s: no header, basic or query says where the secret goes", at)
	}
	if s.Header != "" && (!token(s.Header) ||
		slices.Contains(reservedHeaders[:], strings.ToLower(s.Header))) {
		c.fail(at+".header", "such as Authorization or X-Api-Key",
			"%s: a secret can't go into the header %q", at, s.Header)
	}
	if s.Basic && strings.EqualFold(s.Header, "Authorization") {
		c.fail(at+".basic", "leave one of them out",
			"%s: basic is the header Authorization, too", at)
	}
	if s.Format != "" && (s.Header == "" || strings.Count(s.Format, SecretMark) != 1 ||
		!printable(s.Format)) {
		c.fail(at+".format", `such as "Bearer {secret}", with a header`,
			"%s: %q is no value of a header with %s in it once", at, s.Format, SecretMark)
	}
	if !printable(s.Query) {
		c.fail(at+".query", "such as api_key", "%s: %q is no name of a parameter", at, s.Query)
	}
}

// secretHosts checks that the hosts can be reached. Otherwise the secret is useless.
func (c *checker) secretHosts(p *Policy, s *Secret, at string) {
	if len(s.Hosts) == 0 {
		c.fail(at+".hosts", "such as hosts: [api.example.com]", "%s: no hosts", at)
	}
	rules, err := s.Rules()
	if err != nil {
		c.fail(at+".hosts", hint.Of(err), "%s: %v", at, err)
		return
	}
	for i, r := range rules {
		for _, port := range r.Ports {
			if p.Network.Mode == NetworkAllow && !p.Network.covers(r, port) {
				c.fail(fmt.Sprintf("%s.hosts[%d]", at, i),
					"add it: network.allow: ["+hostrule.Join(r.Host(), port)+"]",
					"%s: %s is not in network.allow", at, hostrule.Join(r.Host(), port))
			}
		}
	}
}

// covers reports whether an entry of Allow contains all names of r at a port.
func (n *Network) covers(r hostrule.Rule, port int) bool {
	return slices.ContainsFunc(n.Allow, func(entry NetworkRule) bool {
		have, err := entry.Rule()
		if err != nil {
			return false
		}
		if len(have.Ports) == 0 {
			have.Ports = []int{443, 80}
		}
		return have.MatchesName(r.Name, port) && (!r.Below || have.Below || have.Any) ||
			r.Below && have.Below && r.Name == have.Name && slices.Contains(have.Ports, port)
	})
}

// token is a name of a header or a method. RFC 9110 5.6.2
func token(s string) bool {
	for _, r := range s {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r) {
			return false
		}
	}
	return s != ""
}
