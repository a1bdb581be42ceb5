package escape

import (
	"bytes"
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
			out, err := exec.Command(mcpbox, "run", flag, at("/out"), "--workspace", workspace,
				"--", "true").CombinedOutput()
			if data, _ := os.ReadFile(target); string(data) != secret {
				t.Errorf("HOLE: %s was overwritten through a link that a tool can make (%v)\n%s",
					target, err, out)
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
			out, err := exec.Command(mcpbox, "run", flag, at("/logs/out"), "--workspace", workspace,
				"--", "unshare", "-U", "true").CombinedOutput()
			if exists(in("/out")) {
				t.Errorf("HOLE: %s was made through a link that a tool can make (%v)\n%s",
					in("/out"), err, out)
			}
		})
	}
}

// A log that lies in the folder which the tool may write is the tool's to rewrite: mcpbox must not
// accept the place, or must notice.
func TestCannotEraseTheLogOfItsOwnAttempts(t *testing.T) {
	t.Parallel()
	dir := compile(t, `
	syscall(SYS_add_key, "user", "x", "x", 1, -2);
	usleep(300000);
	truncate("/work/events", 0);
	unlink("/work/events");`)
	workspace, at := writableDir(t)
	out, err := exec.Command(mcpbox, "run", "--events", at("/events"), "--workspace", workspace,
		"--mount", dir+":/attack:ro", "--", "/attack/attack").CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 125 {
		return // the place was refused
	}
	if log, _ := os.ReadFile(at("/events")); !strings.Contains(string(log), "add_key") {
		t.Errorf("HOLE: the log was erased by the tool it is about (%v)\n%s", err, out)
	}
}

// Whoever can write a policy, a log or a store decides what it says: by a mount of the file, by
// another name of it, or because the file is the program's own output.
func TestFilesThatDecideOrRecordAreOutOfTheToolsReach(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{{"run", "--policy"}, {"run", "--events"}, {"run", "--result"},
		{"mcp", "--audit"}, {"mcp", "--pins"}, {"mcp", "--store"}} {
		command, flag := flags[0], flags[1]
		t.Run(flag, func(t *testing.T) {
			safe, in := writableDir(t)
			workspace, at := writableDir(t)
			file := in("/control")
			before := "version: 1\nname: mine\nextends: standard\n"
			if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Link(file, at("/other")); err != nil {
				t.Fatal(err)
			}
			same := in("/same") // a link of the user's, through one that the tool can exchange
			if err := os.Symlink(at("/turn"), same); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(safe+"/control", at("/turn")); err != nil {
				t.Fatal(err)
			}
			rewrite := []string{"--", "sh", "-c",
				"echo forged >/f; echo forged >/work/other; echo forged"}
			for name, way := range map[string]struct {
				path   string
				flags  []string
				output bool
			}{
				"bound as a file":         {file, []string{"--mount", file + ":/f:rw"}, false},
				"another name":            {file, []string{"--workspace", workspace}, false},
				"a link through a folder": {same, []string{"--workspace", workspace}, false},
				"its own output":          {file, nil, true},
			} {
				args := append([]string{command, flag, way.path}, way.flags...)
				cmd := exec.Command(mcpbox, append(args, rewrite...)...)
				if way.output {
					f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
					if err != nil {
						t.Fatal(err)
					}
					defer f.Close()
					cmd.Stdout = f
				}
				var text bytes.Buffer
				if cmd.Stderr = &text; cmd.Stdout == nil {
					cmd.Stdout = &text
				}
				_ = cmd.Run()
				out := text.String()
				if cmd.ProcessState.ExitCode() != 125 || !strings.Contains(out, "mcpbox: hint: ") {
					t.Errorf("HOLE: %s: exit code %d\n%s", name, cmd.ProcessState.ExitCode(), out)
				}
				if data, _ := os.ReadFile(file); string(data) != before {
					t.Fatalf("HOLE: %s: the file was changed: %q", name, data)
				}
			}
		})
	}
}
