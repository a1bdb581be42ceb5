package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/resident"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

func newGCCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "gc",
		Short: "Clean up after runs that were killed",
		Long: "Remove the state folders and cgroups of runs whose mcpbox was killed.\n\n" +
			"It prints one line for each. It does not touch running sandboxes. Each start of a " +
			"sandbox " +
			"cleans up too, for the same user.",
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			removed, err := mcpruntime.Collect(cmd.Context())
			sockets, err2 := staleSockets()
			removed, err = append(removed, sockets...), errors.Join(err, err2)
			for _, r := range removed {
				if _, e := fmt.Fprintf(cmd.OutOrStdout(), "%-7s %s\n", r.Kind, r.ID); e != nil {
					return errors.Join(err, e)
				}
			}
			return err
		},
	}
}

// staleSockets removes what killed residents left.
func staleSockets() (removed []mcpruntime.Removed, err error) {
	dir, err := mcpruntime.StateDir()
	if err != nil {
		return nil, err
	}
	paths, err := resident.Collect(dir)
	for _, path := range paths {
		removed = append(removed, mcpruntime.Removed{Kind: "socket", ID: filepath.Base(path)})
	}
	return removed, err
}
