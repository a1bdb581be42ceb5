package escape

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// One run plants a link, the next is told to write its result there.
func TestALinkInTheWorkspaceDoesNotLeadTheResultAstray(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--result", "--events"} {
		t.Run(flag, func(t *testing.T) {
			target := secretFile(t)
			workspace, at := writableDir(t)
			if err := os.Symlink(target, at("/out")); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(mcpbox, "run", flag, at("/out"), "--workspace", workspace, "--", "true").CombinedOutput()
			if data, _ := os.ReadFile(target); string(data) != secret {
				t.Errorf("HOLE: %s was overwritten through a link that a tool can make (%v)\n%s", target, err, out)
			}
		})
	}
}

func TestALinkedFolderInTheWorkspaceDoesNotLeadTheResultAstray(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{"--result", "--events"} {
		t.Run(flag, func(t *testing.T) {
			outside, in := writableDir(t)
			workspace, at := writableDir(t)
			if err := os.Symlink(outside, at("/logs")); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command(mcpbox, "run", flag, at("/logs/out"), "--workspace", workspace, "--", "unshare", "-U", "true").CombinedOutput()
			if exists(in("/out")) {
				t.Errorf("HOLE: %s was made through a link that a tool can make (%v)\n%s", in("/out"), err, out)
			}
		})
	}
}

// A log that lies in the folder which the tool may write is the tool's to rewrite: mcpbox must not accept the place, or must notice.
func TestCannotEraseTheLogOfItsOwnAttempts(t *testing.T) {
	t.Parallel()
	dir := compile(t, `
	syscall(SYS_add_key, "user", "x", "x", 1, -2);
	usleep(300000);
	truncate("/work/events", 0);
	unlink("/work/events");`)
	workspace, at := writableDir(t)
	out, err := exec.Command(mcpbox, "run", "--events", at("/events"), "--workspace", workspace, "--mount", dir+":/attack:ro", "--", "/attack/attack").CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 125 {
		return // the place was refused
	}
	if log, _ := os.ReadFile(at("/events")); !strings.Contains(string(log), "add_key") {
		t.Errorf("HOLE: the log was erased by the tool it is about (%v)\n%s", err, out)
	}
}
