package main

import (
	"fmt"

	"github.com/mcpbox/mcpbox/internal/steady"
	"github.com/mcpbox/mcpbox/mcp/identity"
	"github.com/mcpbox/mcpbox/policies"
)

// tellNoDownload warns of a package runner in a sandbox without a network: it retries silently, for
// minutes.
func (f *sandboxFlags) tellNoDownload(p *policies.Policy, command []string) {
	runner := identity.PackageRunner(command)
	if runner == "" || f.quiet || p.Network.Mode != policies.NetworkNone ||
		p.Isolation == policies.IsolationNone {
		return
	}
	fmt.Fprintf(steady.File(f.who().stderr), "mcpbox: hint: %s downloads missing packages, and "+
		"the sandbox has no "+
		"network: install the server "+
		"in a folder and mount it (--workspace or --mount), or let it reach its registry: "+
		"--allow-net HOST\n", runner)
}
