package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

func newGCCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "gc",
		Short: "Clean up after runs that were killed",
		Long: "Remove the state folders and cgroups of runs whose mcpbox was killed.\n\n" +
			"It prints one line for each. It does not touch running sandboxes. Each start of a sandbox " +
			"cleans up too, for the same user.",
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			removed, err := mcpruntime.Collect(cmd.Context())
			for _, r := range removed {
				if _, e := fmt.Fprintf(cmd.OutOrStdout(), "%-7s %s\n", r.Kind, r.ID); e != nil {
					return errors.Join(err, e)
				}
			}
			return err
		},
	}
}
