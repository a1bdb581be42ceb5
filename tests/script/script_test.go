// Package script holds the manual of the command line as scripts that are run: one .txtar file a claim.
package script

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs every script with mcpbox in PATH: the one that MCPBOX_BIN names, else one built here.
func TestScripts(t *testing.T) {
	bin := os.Getenv("MCPBOX_BIN")
	if bin == "" {
		bin = filepath.Join(t.TempDir(), "mcpbox")
		if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/mcpbox").CombinedOutput(); err != nil {
			t.Fatalf("build mcpbox: %v\n%s", err, out)
		}
	}
	bin, err := filepath.Abs(bin)
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: ".",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(bin)+string(os.PathListSeparator)+env.Getenv("PATH"))
			return nil
		},
		RequireExplicitExec: true,
	})
}
