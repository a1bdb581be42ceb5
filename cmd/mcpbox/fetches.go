package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/mcpbox/mcpbox/policies"
)

// fetches is the name of a package runner, which downloads what it runs if it does not find it; "" for another command.
func fetches(command []string) string {
	switch base := filepath.Base(command[0]); base {
	case "npx", "pnpx", "bunx", "uvx", "pipx":
		return base
	}
	return ""
}

// tellNoDownload is for a package runner in a sandbox without a network: it tries in silence, for minutes.
func (f *sandboxFlags) tellNoDownload(p *policies.Policy, command []string) {
	runner := fetches(command)
	if runner == "" || f.quiet || p.Network.Mode == policies.NetworkHost || p.Isolation == policies.IsolationNone {
		return
	}
	fmt.Fprintf(os.Stderr, "mcpbox: hint: %s downloads what it does not find, and there is no network: install the server in a folder and bind that "+
		"(--workspace or --mount), or --network host\n", runner)
}
