package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// flagError adds the remedy to what the flag parser says.
func flagError(cmd *cobra.Command, err error) error {
	remedy := "`" + cmd.CommandPath() + " --help` lists the flags"
	if h := habit(cmd, err.Error()); h != "" {
		return hint.Wrap(err, h)
	}
	if name, ok := strings.CutPrefix(err.Error(), "unknown flag: --"); ok {
		if near := nearestFlag(cmd, name); near != "" {
			remedy = "did you mean --" + near + "? A flag of the program itself goes after --"
		}
	}
	return hint.Wrap(err, remedy)
}

// nearestFlag is the flag that shares the longest beginning with name, at least two letters.
func nearestFlag(cmd *cobra.Command, name string) (best string) {
	most := 1
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		n := 0
		for n < len(name) && n < len(f.Name) && name[n] == f.Name[n] {
			n++
		}
		if n > most {
			best, most = f.Name, n
		}
	})
	return best
}
