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
		Short: "Remove what sandboxes left whose mcpbox was killed, and say what it was",
		Long: "Remove what sandboxes left whose mcpbox was killed: state folders and cgroups.\n\n" +
			"It prints a line for each. Running sandboxes are not touched. Every start of a sandbox does the same for the user who starts it.",
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
