package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/resident"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

func newGCCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Clean up after runs that were killed",
		Long: `Removes the state folders, cgroups and sockets of runs whose mcpbox was killed. It
prints one line for each. It does not touch running sandboxes. Each start of a sandbox
cleans up too, for the same user.`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			removed, err := mcpruntime.Collect(cmd.Context())
			sockets, err2 := staleSockets()
			removed, err = append(removed, sockets...), errors.Join(err, err2)
			return errors.Join(err, printRemoved(cmd.OutOrStdout(), removed, asJSON))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a list of objects with kind and id")
	return cmd
}

func printRemoved(w io.Writer, removed []mcpruntime.Removed, asJSON bool) error {
	if asJSON {
		if removed == nil {
			removed = []mcpruntime.Removed{}
		}
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(removed)
	}
	for _, r := range removed {
		if _, err := fmt.Fprintf(w, "%-7s %s\n", r.Kind, r.ID); err != nil {
			return err
		}
	}
	return nil
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
