package explain

import (
	"cmp"
	"time"

	"github.com/mcpbox/mcpbox/policies"
)

// packages is about what mcpbox installs itself. The defaults are explained where the policy
// changes one of them.
func (e *explainer) packages(p *policies.Policy) {
	k := &p.Packages
	if *k == (policies.Packages{}) {
		return
	}
	e.area("Packages that mcpbox installs (npx, uvx)")
	switch k.Require {
	case policies.PackageTrusted:
		e.item("a package needs a decision to trust it (mcpbox trust)")
	case policies.PackageAny:
		e.item("a package runs whatever the audit finds, unless it is denied")
	default:
		e.item("a package with a finding of severity high needs a decision to trust it")
	}
	if k.Require != policies.PackageAny {
		e.item("a version published less than %s ago is such a finding",
			cmp.Or(k.MinAge, policies.Duration(72*time.Hour)))
		if k.Signatures == policies.PackageSignaturesRequired {
			e.item("so is a package of npm without a signature of its registry")
		}
		e.item("until then it runs without a network and a workspace, and offers no tools")
	}
}
