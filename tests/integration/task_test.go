package integration

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The task part of the protocol (call now, fetch later, with a question asked in
// between) is driven by the official TypeScript client, which is outside the sandbox.
func TestTaskOfServerEverythingAnswersTheSame(t *testing.T) {
	bare, boxed := bothSides(t, "standard")
	nodePath, _ := node(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	type run struct {
		cmd         *exec.Cmd
		out, errors strings.Builder
	}
	var runs [2]run
	for i, s := range []*side{bare, boxed} { // both at once: the tool takes its time
		argv := append([]string{"task.mjs"}, s.prefix...)
		if len(s.prefix) > 0 {
			argv = append(argv, "--")
		}
		argv = append(argv, nodePath, filepath.Join(s.modules, everything), "stdio")
		r := &runs[i]
		r.cmd = exec.CommandContext(ctx, nodePath, argv...)
		r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.errors
		if err := r.cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	for i := range runs {
		if err := runs[i].cmd.Wait(); err != nil {
			t.Errorf("%v: %v\n%s", runs[i].cmd.Args, err, runs[i].errors.String())
		}
	}
	said := runs[0].out.String()
	if !strings.Contains(said, "Research Report") || !strings.Contains(said, "asked") {
		t.Fatalf("the bare server made no report: %s", said)
	}
	if got := runs[1].out.String(); got != said {
		t.Errorf("the task differs\n--- bare\n%s\n--- mcpbox\n%s", said, got)
	}
}
