package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/code"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/pool"
)

// code measures snippets: in a sandbox of their own, and in cells with an interpreter that waits.
func (b *bench) code() error {
	b.heading("Snippets of code")
	if err := b.coldCode(); err != nil {
		return err
	}
	sandboxes := pool.New(pool.Config{BestEffort: true})
	defer sandboxes.Close()
	cells := code.NewPool(sandboxes)
	for _, l := range []struct {
		language, snippet string
		bare              []string
	}{
		{"python", "pass", []string{"/usr/bin/python3", "-I", "-c", "pass"}},
		{"node", "0", []string{"/usr/bin/node", "-e", "0"}},
	} {
		if _, err := os.Stat(l.bare[0]); err != nil {
			b.text("\n%s is not installed.\n", l.language)
			continue
		}
		b.text("\n")
		if err := b.snippets(sandboxes, cells, l.language, l.snippet, l.bare); err != nil {
			return err
		}
	}
	return nil
}

// coldCode compares the command with what it is made of: a sandbox, and Python.
func (b *bench) coldCode() error {
	const python, snippet = "/usr/bin/python3", "print(sum(range(10)))"
	if _, err := os.Stat(python); err != nil {
		b.text("\n%s is not installed.\n", python)
		return nil
	}
	off := filepath.Join(b.dir, "unguarded.yaml")
	policy := "version: 1\nname: unguarded\nextends: code-standard\nguard: {mode: \"off\"}\n"
	if err := os.WriteFile(off, []byte(policy), 0o644); err != nil {
		return err
	}
	flags := []string{b.mcpbox, "code", "-q", "--no-store", "--lang", "python"}
	ours := command("mcpbox code, without the guard", nil,
		append(slices.Clone(flags), "--policy", off, "-c", snippet)...)
	guarded := command("mcpbox code", nil, append(slices.Clone(flags), "-c", snippet)...)
	run := command("mcpbox run -- true", nil, b.mcpbox, "run", "-q", "--", "true")
	bare := command("bare python3 -I -c", nil, python, "-I", "-c", snippet)
	started := command("mcpbox run -- python3 -I -c pass", nil, b.mcpbox, "run", "-q", "--",
		python, "-I", "-c", "pass")
	interleave(b.rounds, sectionTime, ours, guarded, run, bare, started)
	all := []*candidate{ours, guarded, run, bare, started}
	b.compare(bare, all...)
	for _, c := range all {
		if c.err != nil {
			return c.err
		}
	}
	parts := run.min(wall) + bare.min(wall)
	b.budget("`mcpbox code --lang python` without the guard against `mcpbox run -- true` + Python",
		"≤ 1.05×", float64(ours.min(wall)) <= 1.05*float64(parts),
		ratio(ours.min(wall), parts)+" of minima, "+
			ratio(ours.median(wall), run.median(wall)+bare.median(wall))+" of medians")
	cost := guarded.min(wall) - ours.min(wall)
	b.budget("the guard's cost against one sandboxed Python start", "≤ 1.00×",
		cost <= started.min(wall), ratio(cost, started.min(wall))+" of minima")
	return nil
}

func (b *bench) snippets(sandboxes *pool.Pool, cells *code.Pool, language, snippet string,
	argv []string) error {
	policy := func(mode policies.GuardMode) (*policies.Policy, error) {
		p, err := policies.Preset("code-standard")
		if err == nil {
			p.Guard.Mode = mode
		}
		return p, err
	}
	guarded, err := policy(policies.GuardWarn)
	if err != nil {
		return err
	}
	unguarded, err := policy(policies.GuardOff)
	if err != nil {
		return err
	}
	run := func(p *policies.Policy, c *code.Pool) error {
		r := code.Runner{Policy: p, BestEffort: true, Pool: c}
		res, err := r.Run(context.Background(), code.Request{Language: language,
			Code: []byte(snippet)})
		if err == nil && !res.Success {
			err = fmt.Errorf("%s: %s", res.Status, res.Reason)
		}
		return err
	}
	inCell := func(name string, p *policies.Policy) *candidate {
		return &candidate{name: name, turn: func() (sample, error) {
			for range 1000 { // the building of the next one is not the call's
				if ready(sandboxes) {
					break
				}
				time.Sleep(time.Millisecond)
			}
			return timed(func() error { return run(p, cells) })()
		}}
	}
	bare := command("bare "+language, nil, argv...)
	warm, looked := inCell("an interpreter that waits", unguarded),
		inCell("the same, behind the guard", guarded)
	cold := &candidate{
		name: "a sandbox of its own",
		turn: timed(func() error { return run(unguarded, nil) }),
	}
	guard := &candidate{
		name: "the same, behind the guard (cold)",
		turn: timed(func() error { return run(guarded, nil) }),
	}
	interleave(b.rounds, sectionTime, warm, looked, cold, guard, bare)
	b.compare(bare, warm, looked, cold, guard, bare)
	b.budgetRatio("a "+language+" snippet in a cell with an interpreter that waits against bare `"+
		strings.Join(argv, " ")+"`", 0.2, warm, bare)
	return bare.err
}

// ready: as many cells wait as are to wait.
func ready(p *pool.Pool) bool {
	for _, s := range p.Stats().Policies {
		if s.Warm < s.Target {
			return false
		}
	}
	return true
}
