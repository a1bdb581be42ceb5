package main

import (
	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/cmd/mcpbox/daemon"
)

type command struct {
	name string
	make func() *cobra.Command
}

// commands returns all of them. Not a variable: the resident's command runs others.
func commands() []command {
	return []command{
		{"run", newRunCmd},
		{"code", newCodeCmd},
		{"mcp", newMCPCmd},
		{"mcp-server", newMCPServerCmd},
		{"allow", newAllowCmd},
		{"wrap", newWrapCmd},
		{"unwrap", newUnwrapCmd},
		{"install", newInstallCmd},
		{"packages", newPackagesCmd},
		{"audit", newAuditCmd},
		{"trust", newTrustCmd},
		{"deny", newDenyCmd},
		{"quarantine", newQuarantineCmd},
		{"events", newEventsCmd},
		{"report", newReportCmd},
		{"history", newHistoryCmd},
		{"stats", newStatsCmd},
		{"policy", newPolicyCmd},
		{"rules", newRulesCmd},
		{"gc", newGCCmd},
		{"serve", func() *cobra.Command { return daemon.NewServeCmd(version) }},
		{"ps", daemon.NewPSCmd},
		{"top", daemon.NewTopCmd},
		{"inspect", daemon.NewInspectCmd},
		{"logs", daemon.NewLogsCmd},
		{"exec", daemon.NewExecCmd},
		{"kill", daemon.NewKillCmd},
		{"resident", newResidentCmd},
		{"doctor", newDoctorCmd},
		{"version", newVersionCmd},
	}
}

// addCommands adds the command that args name, or all of them: making one costs as much as finding
// it, and each start waits for it.
func addCommands(root *cobra.Command, args []string) {
	for _, c := range commands() {
		if len(args) > 0 && args[0] == c.name {
			root.AddCommand(c.make())
			return
		}
	}
	for _, c := range commands() {
		root.AddCommand(c.make())
	}
}
