package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/policies"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// spec is `mcpbox run`'s default policy over the minimal root, without a command line.
func (b *bench) spec() (mcpruntime.Spec, error) {
	p, err := policies.Resolve("standard")
	if err != nil {
		return mcpruntime.Spec{}, err
	}
	p.Filesystem.Rootfs = b.root
	return mcpruntime.Spec{Policy: p}, nil
}

func (b *bench) startBox() (*mcpruntime.Sandbox, error) {
	spec, err := b.spec()
	if err != nil {
		return nil, err
	}
	return mcpruntime.Start(context.Background(), spec)
}

// spawn compares a process in a sandbox that is already there with os/exec.
func (b *bench) spawn() error {
	b.heading("A spawn in a started sandbox")
	box, err := b.startBox()
	if err != nil {
		return err
	}
	defer box.Close()
	inside := &candidate{name: "Spawn and Wait", turn: timed(func() error {
		r, err := box.Start(context.Background(), mcpruntime.Command{Args: []string{"/bin/true"}})
		if err != nil {
			return err
		}
		_, err = r.Wait()
		return err
	})}
	bare := &candidate{
		name: "bare fork+exec+wait",
		turn: timed(func() error { return exec.Command(b.trueProgram()).Run() }),
	}
	interleave(b.rounds*5, sectionTime, bare, inside)
	b.compare(bare, bare, inside)
	b.text(
		"\nEvery spawn gets a user, mount and cgroup namespace of its own, all masks, Landlock " +
			"and a filter with a listener,\nand is verified from outside before it executes.\n",
	)
	b.budgetRatio("a spawn in a started sandbox against bare fork+exec+wait", 4, inside, bare)
	return inside.err
}

// reported runs the victim, and takes what it prints for the figure.
func (b *bench) reported(name string, argv ...string) *candidate {
	return &candidate{name: name, turn: func() (sample, error) {
		values, err := figures(argv...)
		if err != nil {
			return sample{}, err
		}
		return sample{wall: values[len(values)/2]}, nil
	}}
}

// figures runs a command that prints nanoseconds, one a line, and returns them by size, in
// picoseconds.
func figures(argv ...string) ([]time.Duration, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(argv, " "), err)
	}
	var values []time.Duration
	for f := range strings.FieldsSeq(string(out)) {
		ns, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return nil, err
		}
		values = append(values, time.Duration(ns*1e3)) // in ps: a mean has decimals
	}
	if len(values) == 0 {
		return nil, fmt.Errorf("%s printed nothing", argv[0])
	}
	sort.Slice(values, func(i, j int) bool { return values[i] < values[j] })
	return values, nil
}

// filter measures what the filter costs a call that it allows.
func (b *bench) filter() error {
	b.heading("The filter's cost on an allowed call (getppid, a million times)")
	const calls = "1000000"
	bare := b.reported("bare", b.victim, "getppid", calls)
	cs := []*candidate{bare}
	for _, preset := range []string{"basic", "standard", "strict"} { // maximum refuses getppid
		cs = append(cs, b.reported(preset, b.mcpbox, "run", "-q", "--best-effort", "--policy",
			preset, "--cpus", "8", "--rootfs", b.root, "--", "/bin/victim", "getppid", calls))
	}
	interleave(max(b.rounds/2, 5), sectionTime, cs...)
	rows := [][]string{{"policy", "ns a call, median", "min", "over bare (median)",
		"over bare (min)", "runs"}}
	for _, c := range cs {
		if c.err != nil {
			rows = append(rows,
				[]string{c.name, "not measured: " + cut(c.err.Error(), 240), "", "", "", ""})
			continue
		}
		rows = append(rows, []string{c.name, fmt.Sprintf("%.1f", float64(c.median(wall))/1e3),
			fmt.Sprintf("%.1f", float64(c.min(wall))/1e3),
			ratio(c.median(wall), bare.median(wall)), ratio(c.min(wall), bare.min(wall)),
			fmt.Sprint(len(c.got))})
	}
	b.page.WriteString(table(rows))
	b.budgetRatio(
		"an allowed system call (getppid) under `standard` against bare",
		1.3,
		cs[2],
		bare,
	)
	return bare.err
}

// refusal measures a refused call from inside: kernel, supervisor, event, answer.
func (b *bench) refusal() error {
	b.heading("A refused call, with its event (ptrace, two thousand times)")
	const calls = "2000"
	events := b.dir + "/events.jsonl"
	run := []string{b.mcpbox, "run", "-q", "--rootfs", b.root}
	cs := []*candidate{
		b.reported("refused and recorded", append(run, "--", "/bin/victim", "refused", calls)...),
		b.reported("and written to --events FILE", append(run, "--events", events, "--",
			"/bin/victim", "refused", calls)...),
	}
	interleave(max(b.rounds/5, 5), sectionTime, cs...)
	rows := [][]string{{"", "median of medians", "least median", "runs"}}
	for _, c := range cs {
		if c.err != nil {
			return c.err
		}
		rows = append(rows, []string{c.name, show(c.median(wall) / 1e3), show(c.min(wall) / 1e3),
			fmt.Sprint(len(c.got))})
	}
	b.page.WriteString(table(rows))
	least := cs[0].min(wall) / 1e3
	b.budget(
		"a refusal with its event",
		"≤ 30 µs median",
		least <= 30*time.Microsecond,
		show(least)+" in the least disturbed run, "+show(
			cs[0].median(wall)/1e3,
		)+" in the median one",
	)
	return nil
}

// crowd measures how the start slows down with the number of sandboxes that live already.
func (b *bench) crowd() error {
	b.heading("Start latency beside live sandboxes")
	rows := [][]string{{"live sandboxes", "mcpbox run, median", "min", "median over none",
		"min over none", "runs"}}
	var none *candidate
	var boxes []*mcpruntime.Sandbox
	began := time.Now()
	for _, n := range []int{0, 1, 10, 100, 500} {
		if n == 500 && time.Since(began) > 25*time.Second {
			rows = append(rows, []string{"500", "not measured: this machine took too long for 100",
				"", "", "", ""})
			break
		}
		for len(boxes) < n {
			box, err := b.startBox()
			if err != nil {
				return fmt.Errorf("sandbox %d: %w", len(boxes)+1, err)
			}
			defer box.Close()
			boxes = append(boxes, box)
		}
		c := command("mcpbox run", nil, append([]string{b.mcpbox}, b.run()...)...)
		interleave(max(b.rounds/2, 5), 10*time.Second, c)
		if c.err != nil {
			return c.err
		}
		if none == nil {
			none = c
		}
		rows = append(rows, []string{fmt.Sprint(n), show(c.median(wall)), show(c.min(wall)),
			ratio(c.median(wall), none.median(wall)), ratio(c.min(wall), none.min(wall)),
			fmt.Sprint(len(c.got))})
	}
	b.page.WriteString(table(rows))
	b.text(
		"\nThe live ones are idle and belong to one supervisor. The rows are measured one after " +
			"the other, not interleaved.\n",
	)
	return nil
}
