package main

import "github.com/spf13/cobra"

// commands lists the sub-commands in the order of the manual.
func commands() []*cobra.Command {
	return []*cobra.Command{
		newRunCmd(),
		newMCPCmd(),
		newAllowCmd(),
		newWrapCmd(),
		newUnwrapCmd(),
		newEventsCmd(),
		newReportCmd(),
		newPolicyCmd(),
		newGCCmd(),
		newDoctorCmd(),
	}
}
