package packages

import (
	"strings"
	"testing"
)

// The install script of a trusted package runs, in the sandbox of the install.
func TestTheInstallScriptOfATrustedPackageRuns(t *testing.T) {
	u := newUser(t)
	p := notes()
	p.manifest["scripts"] = map[string]any{"postinstall": "echo built >built.txt"}
	u.publish("notes", p)
	if out, said := u.mcpbox("", "install", "npm:notes"); out == "" {
		t.Fatal(said)
	}
	const built = "npm/notes/*/tree/node_modules/notes/built.txt"
	if found := u.files(built); len(found) > 0 {
		t.Errorf("the script ran: %v", found)
	}
	u.mcpbox("", "trust", "npm:notes", "--reason", "it needs its script")
	if out, said := u.mcpbox("", "install", "--update", "npm:notes"); out == "" {
		t.Fatal(said)
	}
	if found := u.files(built); len(found) != 1 {
		t.Error("the script did not run")
	}
	if show, _ := u.mcpbox("", "packages", "show", "notes"); !strings.Contains(show,
		`"install_scripts_ran": true`) {
		t.Errorf("show: %s", show)
	}
}
