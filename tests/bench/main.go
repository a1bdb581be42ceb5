package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

// bench is one run: sections add tables, and one line each to the summary of budgets.
type bench struct {
	*stage
	rounds  int
	user    string // an ordinary user's id
	budgets [][]string
	page    bytes.Buffer
}

type section struct {
	name string
	run  func(*bench) error
}

func sections() []section {
	return []section{
		{"start", (*bench).start}, {"user", (*bench).startAsUser}, {"spawn", (*bench).spawn},
		{"pool", (*bench).pool}, {"code", (*bench).code}, {"filter", (*bench).filter},
		{"refusal", (*bench).refusal}, {"memory", (*bench).memory}, {"parallel", (*bench).parallel},
		{"crowd", (*bench).crowd},
		{"mcp", (*bench).mcp}, {"serve", (*bench).serve}, {"egress", (*bench).egress},
		{"init", (*bench).initialisers}, {"size", (*bench).size},
	}
}

func main() {
	mcpbox := flag.String("mcpbox", "bin/mcpbox", "the static binary")
	out := flag.String("o", "", "write the page to this file (default: standard output)")
	only := flag.String("only", "", "comma-separated sections")
	rounds := flag.Int("rounds", 30,
		"turns of every candidate in the start benchmarks; the others scale with it")
	user := flag.String("user", "4242", "uid of the ordinary user (no account needed)")
	flag.Parse()
	if err := run(*mcpbox, *out, *only, *rounds, *user); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(mcpbox, out, only string, rounds int, user string) error {
	s, err := newStage(mcpbox)
	if err != nil {
		return err
	}
	defer s.undo()
	b := &bench{stage: s, rounds: rounds, user: user}
	began := time.Now()
	for _, sec := range sections() {
		if only != "" && !strings.Contains(","+only+",", ","+sec.name+",") {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", sec.name)
		if err := sec.run(b); err != nil {
			b.text("Not measured: %v\n", err)
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", sec.name, err)
		}
	}
	page := wrap(header(time.Since(began)) + budgetTable(b.budgets) + b.page.String())
	if out == "" {
		fmt.Print(page)
		return nil
	}
	return os.WriteFile(out, []byte(page), 0o644)
}
