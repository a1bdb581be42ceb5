package egress

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// resident starts a resident on the machine, and returns a function that runs commands with it. It
// has an executable of its own, because each executable has a resident of its own.
func (w *world) resident() func(args ...string) (stdout, stderr string) {
	w.t.Helper()
	own := filepath.Join(w.dir, "own")
	in, err := os.Open(mcpbox(w.t))
	if err != nil {
		w.t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(own, os.O_WRONLY|os.O_CREATE, 0o755)
	if err == nil {
		_, err = io.Copy(out, in)
	}
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := w.Command(own, "resident")
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	w.t.Cleanup(func() {
		_ = exec.Command(own, "resident", "--stop").Run()
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-ended
		}
	})
	for range 200 {
		if exec.Command(own, "resident", "--status").Run() == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return func(args ...string) (string, string) {
		w.t.Helper()
		cmd := w.Command(slices.Concat([]string{own}, args)...)
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run() // the output says how it went
		return stdout.String(), stderr.String()
	}
}

func TestACellOfTheResidentReachesOnlyAllowedHosts(t *testing.T) {
	w := newWorld(t)
	run := w.resident()
	script := "echo pid $$; curl -sS -m 20 http://" + api + "/ http://" + evil + "/"
	flags := []string{"run", "--resident", "--best-effort"}
	out, errs := run(slices.Concat(flags, []string{"--allow-net", api, "--", "sh", "-c",
		script})...)
	if !strings.Contains(out, "pid 2\n") { // the second process of its own PID namespace
		t.Errorf("it did not run in a cell: %s%s", out, errs)
	}
	if !strings.Contains(out, "this is api") || strings.Contains(out, "this is evil") ||
		!strings.Contains(errs, "--allow-net "+evil) {
		t.Errorf("%s%s", out, errs)
	}
	// Another policy in the same resident: what the first may reach is nothing to it.
	out, errs = run(slices.Concat(flags, []string{"--allow-net", evil, "--", "sh", "-c",
		script})...)
	if strings.Contains(out, "this is api") {
		t.Errorf("%s%s", out, errs)
	}
	out, errs = run(slices.Concat(flags, []string{"--", "sh", "-c", script})...)
	if strings.Contains(out, "this is") || !strings.Contains(out, "pid 2\n") {
		t.Errorf("without a network: %s%s", out, errs)
	}
	python := "import os, urllib.request as u\nprint('pid', os.getpid())\n" +
		"print(u.urlopen('http://" + api + "/', timeout=20).read().decode())"
	for range 2 { // the first one may not find a started interpreter
		out, errs = run("code", "--resident", "--best-effort", "--no-store", "--lang", "python",
			"--allow-net", api, "-c", python)
		if !strings.Contains(out, "pid 2\n") || !strings.Contains(out, "this is api") {
			t.Errorf("code: %s%s", out, errs)
		}
	}
	out, errs = run("code", "--resident", "--best-effort", "--no-store", "--lang", "python", "-c",
		python)
	if strings.Contains(out, "this is api") {
		t.Errorf("code without a network: %s%s", out, errs)
	}
}
