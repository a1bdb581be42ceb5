package registry

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

// public are registries that are never at a private address, whatever a name server says.
var public = [...]string{"registry.npmjs.org", "registry.yarnpkg.com", "npm.pkg.github.com",
	"pkg-npm.githubusercontent.com", "pypi.org", "files.pythonhosted.org"}

// Private says whether names may lead to private addresses: those of a company's registries do.
func Private(hosts []policies.NetworkRule) policies.PrivateMode {
	for _, h := range hosts {
		if !slices.Contains(public[:], h.Host) {
			return policies.PrivateAllowListed
		}
	}
	return policies.PrivateDeny
}

// Rule is the network rule for the address of a registry.
func Rule(u *url.URL) (policies.NetworkRule, error) {
	name := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	ip, err := netip.ParseAddr(name)
	if name == "localhost" || strings.HasSuffix(name, ".localhost") ||
		err == nil && ip.Unmap().IsLoopback() {
		return policies.NetworkRule{}, hint.Errorf("give the registry another address or name of "+
			"this machine", "%s is another machine in the sandbox of an install", name)
	}
	rule, err := policies.ParseNetworkRule(u.Host)
	if err == nil && u.Port() == "" {
		rule.Ports = []int{map[string]int{"https": 443, "http": 80}[u.Scheme]}
	}
	return rule, err
}
