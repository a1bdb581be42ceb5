package main

import (
	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/cmd/mcpbox/daemon"
)

type command struct {
	name  string
	group string // its heading in the list of commands
	make  func() *cobra.Command
}

// groups are the headings of the list of commands, in their order.
var groups = []cobra.Group{
	{ID: "run", Title: "Run something in a sandbox:"},
	{ID: "clients", Title: "MCP clients and their servers:"},
	{ID: "policy", Title: "What a sandbox may do:"},
	{ID: "after", Title: "What happened:"},
	{ID: "packages", Title: "Packages of npx and uvx:"},
	{ID: "daemon", Title: "The daemon:"},
	{ID: "host", Title: "This host:"},
}

// commands returns all of them. Not a variable: the resident's command runs others.
func commands() []command {
	return []command{
		{"run", "run", newRunCmd},
		{"code", "run", newCodeCmd},
		{"mcp", "run", newMCPCmd},
		{"mcp-server", "clients", newMCPServerCmd},
		{"wrap", "clients", newWrapCmd},
		{"unwrap", "clients", newUnwrapCmd},
		{"allow", "policy", newAllowCmd},
		{"policy", "policy", newPolicyCmd},
		{"rules", "policy", newRulesCmd},
		{"events", "after", newEventsCmd},
		{"report", "after", newReportCmd},
		{"history", "after", newHistoryCmd},
		{"stats", "after", newStatsCmd},
		{"install", "packages", newInstallCmd},
		{"packages", "packages", newPackagesCmd},
		{"audit", "packages", newAuditCmd},
		{"trust", "packages", newTrustCmd},
		{"deny", "packages", newDenyCmd},
		{"quarantine", "packages", newQuarantineCmd},
		{"serve", "daemon", func() *cobra.Command { return daemon.NewServeCmd(version) }},
		{"ps", "daemon", daemon.NewPSCmd},
		{"top", "daemon", daemon.NewTopCmd},
		{"inspect", "daemon", daemon.NewInspectCmd},
		{"logs", "daemon", daemon.NewLogsCmd},
		{"exec", "daemon", daemon.NewExecCmd},
		{"kill", "daemon", daemon.NewKillCmd},
		{"doctor", "host", newDoctorCmd},
		{"gc", "host", newGCCmd},
		{"resident", "host", newResidentCmd},
		{"version", "host", newVersionCmd},
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
	for i := range groups {
		root.AddGroup(&groups[i])
	}
	for _, c := range commands() {
		cmd := c.make()
		cmd.GroupID = c.group
		root.AddCommand(cmd)
	}
	root.SetHelpCommandGroupID("host")
	root.SetCompletionCommandGroupID("host")
}
