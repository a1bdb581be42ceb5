package code

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"testing"

	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// result is what these tests read of `mcpbox code --json`.
type result struct {
	Status      string  `json:"status"`
	ExitCode    int     `json:"exit_code"`
	Stdout      string  `json:"stdout"`
	Stderr      string  `json:"stderr"`
	StdoutBytes int64   `json:"stdout_bytes"`
	Available   bool    `json:"available"`
	Reason      string  `json:"reason"`
	Time        float64 `json:"execution_time"`
	Events      []struct {
		Type    string `json:"type"`
		Action  string `json:"action"`
		Syscall *struct {
			Name string `json:"name"`
		} `json:"syscall"`
		Limit *struct {
			Name string `json:"name"`
		} `json:"limit"`
	} `json:"security_events"`
	Guard struct {
		Analysed bool `json:"analysed"`
		Refused  bool `json:"refused"`
		Findings []struct {
			Rule     string `json:"rule"`
			Severity string `json:"severity"`
		} `json:"findings"`
	} `json:"guard"`
	Files []struct {
		Name string `json:"name"`
		Size int64  `json:"size"`
	} `json:"files"`
	FilesLeft int `json:"files_left"`
}

// run runs a snippet with --json, and checks that the exit code is the one in the result.
func run(t *testing.T, stdin []byte, args ...string) result {
	t.Helper()
	cmd := exec.CommandContext(
		t.Context(),
		built.Mcpbox(t),
		append([]string{"code", "--json"}, args...)...)
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var r result
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		t.Fatalf("%v: %v\n%s%s", args, err, stdout.String(), stderr.String())
	}
	if got := cmd.ProcessState.ExitCode(); got != r.ExitCode {
		t.Errorf("exit code %d, in the result %d", got, r.ExitCode)
	}
	return r
}
