package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/pool"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// bwrap is a whole run of bubblewrap's, in the same root.
func (b *bench) bwrap() *candidate {
	return command("bwrap --unshare-all", nil, append([]string{"bwrap"}, b.bwrapArgs()...)...)
}

// pool measures calls in cells that are ready, with everything that a fresh sandbox is verified
// for.
func (b *bench) pool() error {
	b.heading("The pool: a call in a cell that is ready")
	spec, err := b.spec()
	if err != nil {
		return err
	}
	p := pool.New(pool.Config{MinWarm: 4, BestEffort: true})
	defer p.Close()
	call := pool.Call{Policy: spec.Policy, Command: mcpruntime.Command{Args: []string{"/bin/true"}}}
	run := func() error {
		_, err := p.Run(context.Background(), call)
		return err
	}
	if err := run(); err != nil {
		return err
	}
	ready := &candidate{name: "Pool.Run, Go API", turn: func() (sample, error) {
		for s := p.Stats().Policies[0]; s.Warm < s.Target; s = p.Stats().Policies[0] {
			time.Sleep(time.Millisecond) // the building of the next one is not the call's
		}
		return timed(run)()
	}}
	resident, stop, err := b.resident()
	if err != nil {
		return err
	}
	defer stop()
	bwrap := b.bwrap()
	interleave(b.rounds*2, 2*sectionTime, ready, resident, bwrap)
	b.compare(bwrap, ready, resident, bwrap)
	withFolder, theirs, err := b.withFolder()
	if err != nil {
		return err
	}
	interleave(b.rounds*2, sectionTime, withFolder, theirs)
	b.text("\n")
	b.compare(theirs, withFolder, theirs)
	b.text(
		"\nEvery call has namespaces of all kinds, a root, storage, a filter, Landlock and " +
			"limits of its own, and all of\n" +
			"it is verified from outside before execve. Cells are built between the calls.\n",
	)
	b.budgetRatio(
		"a call in a warm cell through the Go API against a whole `bwrap --unshare-all` run",
		0.3,
		ready,
		bwrap,
	)
	b.budgetRatio(
		"`mcpbox run --resident -- true` against `bwrap --unshare-all`",
		0.8,
		resident,
		bwrap,
	)
	b.budgetRatio(
		"`mcpbox run --resident --workspace . -- cat file` against the bwrap run that does it",
		1, withFolder, theirs,
	)
	if err := b.sustained(run); err != nil {
		return err
	}
	return b.idleCells(spec)
}

// resident is `mcpbox run --resident`, with one that listens.
func (b *bench) resident() (c *candidate, stop func(), err error) {
	cmd := exec.Command(b.mcpbox, "resident")
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	stop = func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}
	for range 100 {
		if exec.Command(b.mcpbox, "resident", "--status").Run() == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	return command("mcpbox run --resident", nil, b.mcpbox, "run", "--resident", "-q", "--rootfs",
		b.root, "--", "/bin/true"), stop, nil
}

// withFolder reads a file of a folder that each run brings.
func (b *bench) withFolder() (ours, theirs *candidate, err error) {
	dir := filepath.Join(b.dir, "folder")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("hello\n"), 0o644); err != nil {
		return nil, nil, err
	}
	ours = command("mcpbox run --resident --workspace DIR -- cat file", nil, b.mcpbox, "run",
		"--resident", "-q", "--workspace", dir, "--", "cat", "file")
	theirs = command("bwrap --unshare-all --bind DIR /work … cat file", nil, "bwrap",
		"--unshare-all", "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink",
		"usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--proc", "/proc", "--dev", "/dev",
		"--tmpfs", "/tmp", "--bind", dir, "/work", "--chdir", "/work", "cat", "file")
	return ours, theirs, nil
}

// sustained is calls a second, building included, beside as many runs of bwrap.
func (b *bench) sustained(run func() error) error {
	const callers, each = 2, 150
	persecond := func(f func() error) (float64, error) {
		var wg sync.WaitGroup
		errs := make([]error, callers)
		began := time.Now()
		for i := range callers {
			wg.Go(func() {
				for range each {
					if errs[i] = f(); errs[i] != nil {
						return
					}
				}
			})
		}
		wg.Wait()
		for _, err := range errs {
			if err != nil {
				return 0, err
			}
		}
		return callers * each / time.Since(began).Seconds(), nil
	}
	theirs, err := persecond(func() error { return exec.Command("bwrap", b.bwrapArgs()...).Run() })
	if err != nil {
		return err
	}
	ours, err := persecond(run)
	if err != nil {
		return err
	}
	b.text("\nSustained, %d callers, building included: %.0f calls/s; bwrap %.0f runs/s.\n",
		callers, ours, theirs)
	b.budget("sustained calls/s against bwrap's runs/s", "≥ 1.20×", ours >= 1.2*theirs,
		fmt.Sprintf("%.2f×", ours/theirs))
	return nil
}

// idleCells measures what a cell costs that waits, and what a network by name adds to it.
func (b *bench) idleCells(spec mcpruntime.Spec) error {
	const n = 500
	if err := b.amongIdle(spec, n); err != nil {
		return err
	}
	each, build, err := waitingCells(spec, n)
	if err != nil {
		return err
	}
	named := *spec.Policy
	named.AllowNetwork(policies.NetworkRule{Host: "api.example.test"})
	spec.Policy = &named
	withNet, buildNet, err := waitingCells(spec, n)
	if err != nil {
		return err
	}
	b.text("\n%d cells that wait: %.2f MiB each, by the difference of MemAvailable.\n", n, each)
	b.budget("memory of an idle warm cell, 500 of them", "≤ 3 MiB", each <= 3,
		fmt.Sprintf("%.2f MiB", each))
	b.budget("the same with a network by name, more", "≤ 0.2 MiB", withNet-each <= 0.2,
		fmt.Sprintf("%.2f MiB", withNet-each))
	b.budget("build of a cell with a network by name, later", "≤ 1 ms", buildNet-build <= 1,
		fmt.Sprintf("%.2f ms", buildNet-build))
	return nil
}

// waitingCells builds cells, and returns the memory of each, in MiB, and the time that its building
// took, in ms.
func waitingCells(spec mcpruntime.Spec, n int) (mib, ms float64, err error) {
	spec.Cells, spec.BestEffort = n, true
	box, err := mcpruntime.Start(context.Background(), spec)
	if err != nil {
		return 0, 0, err
	}
	defer box.Close()
	before, err := available()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	for range n {
		if _, err := box.NewCell(context.Background()); err != nil {
			return 0, 0, err
		}
	}
	took := time.Since(began)
	after, err := available()
	return float64(before-after) / float64(n) / (1 << 20),
		float64(took.Microseconds()) / 1e3 / float64(n), err
}

// amongIdle measures a call in a cell that is alone, and beside n that wait.
func (b *bench) amongIdle(spec mcpruntime.Spec, n int) error {
	spec.Cells, spec.BestEffort = n+1, true // one for the calls
	box, err := mcpruntime.Start(context.Background(), spec)
	if err != nil {
		return err
	}
	defer box.Close()
	alone, err := callsIn(box)
	if err != nil {
		return err
	}
	for range n {
		if _, err := box.NewCell(context.Background()); err != nil {
			return err
		}
	}
	among, err := callsIn(box)
	if err != nil {
		return err
	}
	b.text("\nA call in a cell that is alone: %s; beside %d cells that wait: %s (medians).\n",
		alone.Round(time.Microsecond), n, among.Round(time.Microsecond))
	b.budget(fmt.Sprintf("a call beside %d idle cells against one that is alone", n), "≤ 1.30×",
		float64(among) <= 1.3*float64(alone),
		fmt.Sprintf("%.2f×", float64(among)/float64(alone)))
	return nil
}

// callsIn is the median of some calls, each in a cell that was built before.
func callsIn(box *mcpruntime.Sandbox) (time.Duration, error) {
	var took []time.Duration
	for range 41 {
		cell, err := box.NewCell(context.Background())
		if err != nil {
			return 0, err
		}
		began := time.Now()
		p, err := cell.Start(context.Background(), mcpruntime.Command{Args: []string{"/bin/true"}})
		if err != nil {
			return 0, err
		}
		if _, err := p.Wait(); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

// available is MemAvailable in bytes. proc_meminfo(5)
func available() (int64, error) {
	data, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "MemAvailable:" {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/meminfo has no MemAvailable")
}
