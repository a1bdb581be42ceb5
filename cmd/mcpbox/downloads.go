package main

import (
	"fmt"
	"os"

	"github.com/mcpbox/mcpbox/mcp/identity"
	"github.com/mcpbox/mcpbox/policies"
)

// tellNoDownload is for a package runner in a sandbox without a network: it tries in silence, for minutes.
func (f *sandboxFlags) tellNoDownload(p *policies.Policy, command []string) {
	runner := identity.PackageRunner(command)
	if runner == "" || f.quiet || p.Network.Mode == policies.NetworkHost || p.Isolation == policies.IsolationNone {
		return
	}
	fmt.Fprintf(os.Stderr, "mcpbox: hint: %s downloads what it does not find, and there is no network: install the server in a folder and bind that "+
		"(--workspace or --mount), or --network host\n", runner)
}
