package runtime

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime/internal/state"
)

// In mcpbox's own folder are the sockets and the root folders of other sandboxes. A tool with the
// user's id could use them to leave its sandbox.
func TestTheFolderOfRunningSandboxesIsOutOfReach(t *testing.T) {
	testhost.Need(t, "sandbox")
	folder := t.TempDir()
	opts := options{stateDir: filepath.Join(folder, "state")}    // root's
	t.Setenv("XDG_RUNTIME_DIR", folder)                          // a user's
	for _, dir := range []string{folder, filepath.Dir(folder)} { // root's sandboxes go through it
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	own, err := state.Dir(opts.stateDir)
	if err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(own, "inside")
	if err := os.MkdirAll(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	with := func(source string, mode policies.MountMode) Spec {
		p := standard(t)
		p.Filesystem.Mounts = []policies.Mount{{Source: source, Target: "/data", Mode: mode}}
		return Spec{Policy: p, BestEffort: true}
	}
	list := Command{Args: []string{"ls", "-A", "/data/" + filepath.Base(own)}}
	modes := []policies.MountMode{policies.ReadOnly}
	if os.Geteuid() != 0 { // as root, the owner of the sandbox's own /proc can't be mapped
		modes = append(modes, policies.ReadWrite)
	}
	for _, mode := range modes {
		var out bytes.Buffer
		list.Stdout = &out
		res, err := run(t.Context(), with(filepath.Dir(own), mode), list, opts)
		if err != nil || res.ExitCode != 0 || out.Len() != 0 {
			t.Errorf("%s: %v, %+v, the program sees %q", mode, err, res, out.String())
		}
		for _, source := range []string{own, inside} {
			if _, err := run(t.Context(), with(source, mode), list, opts); Hint(err) == "" {
				t.Errorf("%s is bound: %v", source, err)
			}
		}
	}
}
