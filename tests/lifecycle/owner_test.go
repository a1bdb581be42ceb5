package lifecycle

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// inMounts runs a script as root in a new mount namespace, in an empty folder.
func inMounts(t *testing.T, script string) string {
	t.Helper()
	testhost.Need(t, "sandbox", "root")
	cmd := exec.Command("unshare", "-m", "--propagation", "private", "sh", "-ec",
		strings.ReplaceAll(script, "mcpbox", binary))
	cmd.Dir = t.TempDir()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// In a mount inside the workspace, files also appear with their owner, and new files belong to this
// owner.
func TestAMountInsideTheWorkspaceIsMappedAsWell(t *testing.T) {
	out := inMounts(t, `mkdir -p ws/in; chown 4242:4242 ws; mount -t tmpfs none ws/in; echo x >ws/in/old; chown -R 4242:4242 ws/in
		mcpbox run -q -w ws -- sh -c 'echo y >in/new; stat -c "%n %u" in/old in/new'
		stat -c "%n %u" ws/in/new`)
	if want := "in/old 1000\nin/new 1000\nws/in/new 4242\n"; out != want {
		t.Errorf("%q, want %q", out, want)
	}
}

const overlay = `mkdir -p l t ws; mount -t tmpfs none t; mkdir t/u t/w; echo x >l/file; mount -t overlay none -o lowerdir=l,upperdir=t/u,workdir=t/w ws; `

// overlayfs, the root of most containers, can't map owners. The error names the real cause and what
// works there.
func TestAFileSystemThatCannotMapOwnersIsNamed(t *testing.T) {
	out := inMounts(t,
		overlay+`mcpbox run -q -w ws -- ls || echo "exit code $?"; chown 4242 ws; mcpbox run -q -w ws -- ls || echo "exit code $?"`)
	for _, want := range []string{"map the owner of files in ", "/ws (overlay)\n",
		"hint: mount it read-only (:ro)", "setpriv --reuid 4242", "exit code 125\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if out := inMounts(t, overlay+`mcpbox run -q -w ws:ro -- cat file`); out != "x\n" {
		t.Errorf("read-only: %q", out)
	}
	out = inMounts(t, `mkdir -p top/in; `+strings.ReplaceAll(overlay, "ws",
		"top/in")+`mcpbox run -q -w top -- ls || true`)
	if !strings.Contains(out, "or a mount inside it: ") || !strings.Contains(out,
		"/top/in (overlay)") || !strings.Contains(out, "hint: unmount the file system inside") {
		t.Errorf("a mount inside: %s", out)
	}
}
