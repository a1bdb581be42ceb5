package main

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// flagError adds the remedy to what the flag parser says.
func flagError(cmd *cobra.Command, err error) error {
	remedy := "`" + cmd.CommandPath() + " --help` lists the flags"
	if m := invalidValue.FindStringSubmatch(err.Error()); m != nil {
		return wrongValue(cmd, m[1], m[2], m[3])
	}
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

// invalidValue is what the flag parser says about a value.
var invalidValue = regexp.MustCompile(`^invalid argument "(.*)" for "(?:-., )?--(.*)" flag: (.*)$`)

// wrongValue names the flag and the value, and repeats what the flag takes.
func wrongValue(cmd *cobra.Command, value, name, why string) error {
	f := cmd.Flags().Lookup(name)
	if f == nil {
		return hint.Errorf("`"+cmd.CommandPath()+" --help` lists the flags", "--%s %s: %s", name,
			value, why)
	}
	switch f.Value.Type() {
	case "int", "int64", "uint", "uint64", "uint32":
		why = "it is not a whole number"
	case "float64":
		why = "it is not a number"
	case "bool":
		why = "it is true or false"
	case "duration":
		why = "it is not a time such as 30s, 5m or 1h30m"
	}
	kind, usage := pflag.UnquoteUsage(f)
	return hint.Errorf("--"+name+" "+strings.ToUpper(kind)+": "+usage, "--%s %s: %s", name, value,
		why)
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
