package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// many is no upper bound for arguments.
const many = 1 << 30

// arguments wants from least to most of them; the remedy is the command's own usage.
func arguments(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		name := strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
		switch {
		case len(args) < least:
			return hint.Errorf(cmd.UseLine(), "%s: an argument is missing", name)
		case len(args) > most:
			return hint.Errorf(cmd.UseLine(), "%s: unexpected argument %q", name, args[most])
		}
		return nil
	}
}

// unknownCommand is cobra's own check, in one line and with the remedy apart.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	remedy := "`" + cmd.CommandPath() + " --help` lists the commands"
	cmd.SuggestionsMinimumDistance = min(2, len(args[0])/2) // two letters of "ls" are all of it
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		remedy = "did you mean " + near[0] + "?"
	}
	return hint.Errorf(remedy, "unknown command %q", args[0])
}

// newHelpCmd is cobra's own, but a command that is not there is a mistake.
func newHelpCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND…]",
		Short: "Show the help of a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if err := unknownCommand(about, rest); err != nil {
				return err
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}
