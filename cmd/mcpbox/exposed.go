package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/internal/steady"
	"github.com/mcpbox/mcpbox/mcp/needs"
	"github.com/mcpbox/mcpbox/policies"
)

// tellExposed warns of a mount that shows the home folder, or all of the host: what it exposes is
// named.
func (f *sandboxFlags) tellExposed(mounts []policies.Mount) {
	home, err := os.UserHomeDir()
	if err != nil || f.quiet {
		return
	}
	if real, err := filepath.EvalSymlinks(home); err == nil {
		home = real
	}
	for _, m := range mounts {
		if m.Source != home && !strings.HasPrefix(home+"/", strings.TrimSuffix(m.Source, "/")+"/") {
			continue
		}
		what := "your whole home folder"
		names := needs.Exposed(m.Source)
		if m.Source != home {
			what += " and all else in " + m.Source
			for i, n := range names {
				names[i] = filepath.Join(m.Source, n)
			}
			for _, n := range needs.Exposed(home) {
				names = append(names, filepath.Join(home, n))
			}
		}
		secrets := ""
		if len(names) > 0 {
			secrets = ", with " + safetext.Clean(strings.Join(names, ", "), 300)
		}
		how := "can read"
		if m.Mode == policies.ReadWrite {
			how = "can read and change"
		}
		fmt.Fprintf(steady.File(f.who().stderr), "mcpbox: warning: the program %s %s%s: "+
			"name the folder that it needs instead\n", how, what, secrets)
	}
}
