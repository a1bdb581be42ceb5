package main

import (
	"os/exec"
	"slices"
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
	near := cmd.SuggestionsFor(args[0])
	for _, c := range cmd.Commands() { // letters in another order
		if !c.Hidden && letters(c.Name()) == letters(args[0]) {
			near = []string{c.Name()}
		}
	}
	_, err := exec.LookPath(args[0])
	if err == nil && !cmd.HasParent() && (len(near) == 0 || len(args[0]) < 4 ||
		letters(near[0]) != letters(args[0])) {
		return hint.Errorf("to run the program: mcpbox run -- "+strings.Join(args, " "),
			"unknown command %q", args[0])
	}
	if len(near) > 0 {
		remedy = "did you mean `" + cmd.CommandPath() + " " + near[0] + "`?"
	}
	return hint.Errorf(remedy, "unknown command %q", args[0])
}

func letters(word string) string {
	b := []byte(word)
	slices.Sort(b)
	return string(b)
}

// singleDash finds a long flag that is written with one dash: its first letter would be taken for a
// short flag, and the rest for that one's value. Only what stands before the command of a sandbox
// is looked at.
func singleDash(root *cobra.Command, args []string) error {
	cmd, rest, err := root.Find(args)
	if err != nil {
		return nil // the parser says it better
	}
	if cmd == root && len(args) > 0 && !strings.HasPrefix(args[0], "-") &&
		!slices.Contains([]string{"help", "completion", cobra.ShellCompRequestCmd,
			cobra.ShellCompNoDescRequestCmd}, args[0]) {
		return unknownCommand(root, args) // before its flags are taken for ours
	}
	for _, arg := range rest {
		if arg == "--" || arg == "" || arg[0] != '-' {
			return nil
		}
		name, _, _ := strings.Cut(arg[1:], "=")
		if len(name) > 2 && name[0] != '-' && cmd.Flags().Lookup(name) != nil {
			return hint.Errorf("did you mean --"+arg[1:]+"?", "unknown flag: %s", arg)
		}
		if f := cmd.Flags().Lookup(strings.TrimLeft(name, "-")); f != nil && f.NoOptDefVal == "" &&
			!strings.Contains(arg, "=") {
			return nil // its value follows; a second mistake is found in the next attempt
		}
	}
	return nil
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
