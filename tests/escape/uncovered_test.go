package escape

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// uncover runs a tool in a workspace. It says that it is ready, waits for the file `go`, and then
// does deed. In between the host replaces something, and waits until the log has a line with word.
func uncover(t *testing.T, prepare, replace, deed, word string,
	flags func(ws string) []string) (out string, result map[string]any) {
	t.Helper()
	ws, _ := writableDir(t)
	logs := t.TempDir()
	sh := func(line string) {
		t.Helper()
		cmd := exec.Command("sh", "-ec", line)
		cmd.Dir = ws
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	sh(prepare)
	log, res := filepath.Join(logs, "events"), filepath.Join(logs, "result")
	args := append([]string{"run", "-q", "--events", log, "--result", res, "--workspace", ws},
		flags(ws)...)
	cmd := exec.Command(mcpbox, append(args, "--", "sh", "-c",
		"echo ready; until [ -e go ]; do sleep 0.02; done; "+deed)...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	var first [6]byte
	if _, err := r.Read(first[:]); err != nil {
		t.Fatal(err)
	}
	sh(replace)
	until := time.Now().Add(deadline)
	for word != "" && time.Now().Before(until) {
		if data, _ := os.ReadFile(log); strings.Contains(string(data), word) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	sh("touch go")
	rest := make(chan string)
	go func() {
		data := make([]byte, 1<<16)
		n := 0
		for {
			k, err := r.Read(data[n:])
			n += k
			if err != nil {
				rest <- string(data[:n])
				return
			}
		}
	}()
	out = <-rest
	_ = cmd.Wait()
	data, err := os.ReadFile(res)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &result); err != nil {
		t.Fatal(err)
	}
	if events, _ := os.ReadFile(log); word != "" && !strings.Contains(string(events), word) {
		t.Errorf("no event says %q: %s", word, events)
	}
	return out, result
}

func hiding(t *testing.T, paths string) func(string) []string {
	policy := filepath.Join(t.TempDir(), "hiding.yaml")
	if err := os.WriteFile(policy,
		[]byte("version: 1\nextends: standard\nfilesystem: {hidden: "+paths+"}\n"),
		0o644); err != nil {
		t.Fatal(err)
	}
	return func(string) []string { return []string{"--policy", policy} }
}

// Every editor saves a file by renaming a new one over it, and the kernel then takes a mask away in
// every mount namespace.
func TestASavedSecretIsHiddenAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string][3]string{
		"a file saved":     {"echo old >.env", "echo SECRET >new; mv new .env", "cat .env"},
		"a file made anew": {"echo old >.env", "rm .env; echo SECRET >.env", "cat .env"},
		"a folder replaced": {"mkdir .env", "mv .env old; mkdir .env; echo SECRET >.env/f",
			"cat .env/f"},
		"a folder above": {"mkdir -p a; echo old >a/.env",
			"mv a b; mkdir a; echo SECRET >a/.env", "cat a/.env"},
		"a file that appears":   {"true", "echo SECRET >.env", "cat .env"},
		"a folder that appears": {"true", "mkdir .env; echo SECRET >.env/f", "cat .env/f"},
		"a file that appears in a new folder": {"true", "mkdir a; echo SECRET >a/.env",
			"cat a/.env"},
		"a file, twice over": {"echo old >.env",
			"echo SECRET >new; mv new .env; echo SECRET >new; mv new .env", "cat .env"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, result := uncover(t, c[0], c[1], c[2], `"action":"restored"`, hiding(t,
				"[/work/.env, /work/a/.env]"))
			if strings.Contains(out, "SECRET") {
				t.Errorf("HOLE: it read %q", out)
			}
			if layers := result["layers"].(map[string]any); layers["rootfs"] != "lost" ||
				result["success"] != false {
				t.Errorf("the result does not say so: %v, success %v", layers, result["success"])
			}
		})
	}
	t.Run("nothing replaced", func(t *testing.T) {
		t.Parallel()
		_, result := uncover(t, "echo old >.env", "echo other >file; mv file file2", "cat .env", "",
			hiding(t, "[/work/.env]"))
		if layers := result["layers"].(map[string]any); layers["rootfs"] != "enforced" ||
			result["success"] != true {
			t.Errorf("%v", result)
		}
	})
}

// A read-only folder in a writable one, such as .git with its hooks. Its source can't be found
// again from inside.
func TestAProtectedFolderThatTheHostReplacesEndsTheRun(t *testing.T) {
	t.Parallel()
	out, result := uncover(t, "mkdir .git", "mv .git old; mkdir .git",
		"echo hook >.git/hook && echo WROTE", `"action":"kill"`,
		func(ws string) []string { return []string{"--mount", ws + "/.git:/work/.git:ro"} })
	if strings.Contains(out, "WROTE") || result["status"] != "violation" {
		t.Errorf("HOLE: %q, status %v", out, result["status"])
	}
}
