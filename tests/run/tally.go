package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// event is a line of go test -json. cmd/test2json
type event struct {
	Action, Package, Test, Output string
}

type test struct{ pkg, name string }

// tally follows the tests and counts how they end.
type tally struct {
	passed  int
	failed  []test
	skipped map[string][]test // by reason
	output  map[test][]string // of running tests
}

// goTest runs go test, and prints the output that go test has without -json.
func goTest(t *tally, args ...string) error {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	readErr := t.read(out, os.Stdout)
	if err := cmd.Wait(); err != nil {
		return err
	}
	return readErr
}

// read follows one run of go test to its end. A test without an end has failed.
func (t *tally) read(from io.Reader, to io.Writer) error {
	t.output = map[test][]string{}
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		var e event
		if json.Unmarshal(line, &e) != nil || e.Action == "" {
			_, _ = to.Write(line) // go test itself: a build that failed
			continue
		}
		t.take(e, to)
	}
}

func (t *tally) take(e event, to io.Writer) {
	key := test{e.Package, e.Test}
	switch {
	case e.Action == "build-output":
		_, _ = io.WriteString(to, e.Output)
	case e.Action == "output" && e.Test == "":
		if e.Output != "PASS\n" && !strings.Contains(e.Output, "[no test files]") {
			_, _ = io.WriteString(to, e.Output)
		}
	case e.Action == "output":
		t.output[key] = append(t.output[key], e.Output)
	case e.Action == "pass" && e.Test != "":
		t.passed++
		delete(t.output, key)
	case e.Action == "skip" && e.Test != "":
		if t.skipped == nil {
			t.skipped = map[string][]test{}
		}
		reason := reasonOf(t.output[key])
		t.skipped[reason] = append(t.skipped[reason], key)
		delete(t.output, key)
	case e.Action == "fail":
		t.fail(key, to)
	}
}

// fail prints the output of a failed test or, for a package, of each test that did not end.
func (t *tally) fail(key test, to io.Writer) {
	if key.name != "" {
		t.failed = append(t.failed, key)
		printOutput(t.output[key], to)
		delete(t.output, key)
		return
	}
	cut := false
	for k := range maps.Clone(t.output) {
		if k.pkg == key.pkg {
			cut = true
			t.fail(k, to)
		}
	}
	if !cut && !slices.ContainsFunc(t.failed, func(f test) bool { return f.pkg == key.pkg }) {
		t.failed = append(t.failed, key) // it did not build, or TestMain failed
	}
}

func printOutput(lines []string, to io.Writer) {
	for _, line := range lines {
		if !strings.HasPrefix(line, "=== ") {
			_, _ = io.WriteString(to, line)
		}
	}
}

var place = regexp.MustCompile(`^\S+\.go:\d+: `)

// reasonOf returns the output of a skipped test, without source positions.
func reasonOf(lines []string) string {
	var words []string
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- SKIP") {
			continue
		}
		words = append(words, place.ReplaceAllString(line, ""))
	}
	reason := strings.Join(words, " ")
	// testscript prints the whole script before its reason.
	if i := strings.LastIndex(reason, "SKIP: "); i >= 0 {
		reason = reason[i+len("SKIP: "):]
	}
	if reason == "" {
		return "no reason given"
	}
	return reason
}

// print writes the summary: the skipped tests by reason, the failed ones by name.
func (t *tally) print(to io.Writer) {
	n := 0
	for _, reason := range slices.Sorted(maps.Keys(t.skipped)) {
		tests := t.skipped[reason]
		n += len(tests)
		fmt.Fprintf(to, "skipped: %s\n", reason)
		for _, k := range tests {
			fmt.Fprintf(to, "         %s\n", k)
		}
	}
	for _, k := range t.failed {
		fmt.Fprintf(to, "FAILED:  %s\n", k)
	}
	fmt.Fprintf(to, "%d passed, %d skipped, %d failed\n", t.passed, n, len(t.failed))
}

func (k test) String() string {
	_, short, _ := strings.Cut(k.pkg, "/mcpbox/mcpbox/")
	if k.name == "" {
		return short
	}
	return short + " " + k.name
}
