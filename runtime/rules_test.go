package runtime

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
)

// withRules runs a script in a sandbox whose policy has these rules and a workspace.
func withRules(t *testing.T, workspace string, args []string, rules ...policies.Rule) *Result {
	t.Helper()
	testhost.Need(t, "sandbox")
	p, err := policies.Preset("standard")
	if err != nil {
		t.Fatal(err)
	}
	own := *p
	own.Rules = rules
	if workspace != "" {
		own.Filesystem.Mounts = []policies.Mount{{Source: workspace, Target: "/work",
			Mode: policies.ReadWrite}}
	}
	res, err := Run(t.Context(), Spec{Policy: &own, BestEffort: true}, Command{Args: args})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func rulesOf(res *Result) map[string]string {
	out := map[string]string{}
	for _, e := range res.Events {
		out[e.Rule] = e.Action
	}
	return out
}

func TestManyRefusalsInAShortTimeEndAProgram(t *testing.T) {
	script := []string{"sh", "-c", "for i in 1 2 3 4 5 6; do unshare -m true; done; echo on >&2"}
	rule := policies.Rule{ID: "three", When: "refused", Count: 3,
		Within: policies.Duration(10 * time.Second), Action: "destroy"}
	if res := withRules(t, "", script, rule); res.Status != StatusViolation ||
		rulesOf(res)["three"] != "destroy" {
		t.Errorf("%s %v", res.Status, rulesOf(res))
	}
	rule.Count = 100
	if res := withRules(t, "", script, rule); res.Status == StatusViolation {
		t.Errorf("%s %v", res.Status, rulesOf(res))
	}
}

func TestHighMemoryUsageForATimeEndsAProgram(t *testing.T) {
	testhost.Need(t, "python3")
	hold := func(mib string) []string {
		return []string{"timeout", "5", "python3", "-c",
			"import time\na = b'x' * (" + mib + " << 20)\ntime.sleep(600)"}
	}
	rule := policies.Rule{ID: "memory", When: "usage.memory_percent > 50",
		For: policies.Duration(500 * time.Millisecond), Action: "kill"}
	if res := withRules(t, "", hold("400"), rule); res.Status != StatusViolation ||
		rulesOf(res)["memory"] != "kill" {
		t.Errorf("%s %v", res.Status, rulesOf(res))
	}
	if res := withRules(t, "", hold("1"), rule); res.Status == StatusViolation {
		t.Errorf("little memory: %s %v", res.Status, rulesOf(res))
	}
}

func TestDangerousFilesInAWorkspaceAreEvents(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, ".git", "hooks"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{dir, dir + "/.git", dir + "/.git/hooks"} {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	script := []string{"sh", "-c", `echo x >.git/hooks/pre-commit; mkdir -p a/b; echo x >a/b/.bashrc
printf '#!/bin/sh\n' >tool; chmod +x tool; echo text >plain.txt; rm plain.txt`}
	watch := policies.Rule{ID: "gone",
		When: `file.op == "removed" && file.path == "/work/plain.txt"`}
	got := rulesOf(withRules(t, dir, script, watch))
	for _, want := range []string{"builtin:file-hook", "builtin:file-profile",
		"builtin:file-executable", "gone"} {
		if got[want] == "" {
			t.Errorf("no %s: %v", want, got)
		}
	}
	if got := rulesOf(withRules(t, dir, []string{"sh", "-c", "echo >plain2.txt"},
		watch)); len(got) > 0 {
		t.Errorf("an ordinary file: %v", got)
	}
}

func TestABurstOfNewFilesIsAnEvent(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	watch := policies.Rule{ID: "deep", When: `file.path endsWith "/999"`, Action: "alert"}
	got := rulesOf(withRules(t, dir, []string{"sh", "-c",
		"mkdir d; cd d; i=0; while [ $i -lt 1000 ]; do : >$i; i=$((i+1)); done"}, watch))
	if got["builtin:file-burst"] == "" || got["deep"] == "" {
		t.Errorf("%v", got)
	}
}
