package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

func newPolicyInitCmd() *cobra.Command {
	var kind string
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a policy file to start from, with comments",
		Long: `Writes a policy file with comments, which mcpbox run --policy FILE takes as it is.
FILE is policy.yaml if you name none; - prints it. A file that exists is not changed.`,
		Example: `  mcpbox policy init --for node
  mcpbox policy init --for python notes.yaml`,
		Args: arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := policies.Starter(kind)
			if err != nil {
				return err
			}
			file := "policy.yaml"
			if len(args) > 0 {
				file = args[0]
			}
			if file == "-" {
				_, err := cmd.OutOrStdout().Write(data)
				return err
			}
			if err := writeNew(file, data); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: written; `mcpbox policy explain %[1]s` "+
				"says what it allows\n", file)
			return err
		},
	}
	cmd.Flags().StringVar(&kind, "for", "server",
		"`KIND` of program: "+strings.Join(policies.Starters(), ", "))
	return cmd
}

// writeNew writes a file that is not there yet.
func writeNew(file string, data []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return hint.Errorf("name another file, or - to print it", "%s exists: it was not changed",
			file)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}
