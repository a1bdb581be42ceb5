// Command run runs the parts of `make test`. If a part fails, the next ones still run. At the end
// it lists skipped tests with their reasons, and failed tests.
//
//	go run ./tests/run [vet] [unit] [system] [demo]
//
// Without arguments it runs all parts. It needs the programs that `make build bin/victim
// bin/demo-client` writes to bin/.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

type part struct {
	name string
	run  func(*tally) error
}

var parts = []part{
	{"vet", func(*tally) error { return command("go", "vet", "./...") }},
	{"unit", unit},
	{"system", system},
	{"demo", func(*tally) error { return quiet("bin/demo-client") }},
}

func main() {
	var chosen []part
	for _, p := range parts {
		if len(os.Args) == 1 || slices.Contains(os.Args[1:], p.name) {
			chosen = append(chosen, p)
		}
	}
	for _, arg := range os.Args[1:] {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.name == arg }) {
			fmt.Fprintf(os.Stderr, "run: unknown part %q\n", arg)
			os.Exit(2)
		}
	}
	if !runAll(chosen) {
		os.Exit(1)
	}
}

// runAll runs the parts and prints the summary. It returns false if one has failed.
func runAll(chosen []part) bool {
	var t tally
	var lines []string
	good := true
	for _, p := range chosen {
		fmt.Printf("== %s\n", p.name)
		begin := time.Now()
		verdict := "ok  "
		if err := p.run(&t); err != nil {
			fmt.Printf("%s: %v\n", p.name, err)
			verdict, good = "FAIL", false
		}
		lines = append(lines,
			fmt.Sprintf("%s %5.0f s  %s", verdict, time.Since(begin).Seconds(), p.name))
	}
	fmt.Println("== summary")
	t.print(os.Stdout)
	fmt.Println(strings.Join(lines, "\n"))
	return good
}

func unit(t *tally) error {
	out, err := exec.Command("go", "list", "./...").Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	var packages []string
	for name := range strings.FieldsSeq(string(out)) {
		if !strings.Contains(name, "/tests/") {
			packages = append(packages, name)
		}
	}
	return goTest(t, packages...)
}

// system runs the tests that need bin/mcpbox. It never uses cached results, because the cache does
// not know that file.
func system(t *tally) error {
	for name, path := range map[string]string{"MCPBOX": "bin/mcpbox", "VICTIM": "bin/victim"} {
		if os.Getenv(name) != "" {
			continue
		}
		path, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		if err := os.Setenv(name, path); err != nil {
			return err
		}
	}
	return goTest(t, "-count=1", "./tests/...")
}

func command(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// quiet runs a command and shows what it printed only if it fails.
func quiet(name string) error {
	out, err := exec.Command(name).CombinedOutput()
	if err != nil {
		_, _ = os.Stdout.Write(out)
	}
	return err
}
