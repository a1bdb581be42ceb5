package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"

	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// memory measures proportional set sizes: pages that several processes share count in parts.
// proc_pid_smaps(5)
func (b *bench) memory() error {
	b.heading("Memory of an idle sandbox")
	const boxes = 10
	settle := func() int64 { runtime.GC(); debug.FreeOSMemory(); return pss(os.Getpid()) }
	first, err := b.startBox() // what the first one costs is the supervisor's own
	if err != nil {
		return err
	}
	defer first.Close()
	before := settle()
	known := inits()
	var live []*mcpruntime.Sandbox
	for range boxes {
		box, err := b.startBox()
		if err != nil {
			return err
		}
		defer box.Close()
		live = append(live, box)
	}
	grown := (settle() - before) / boxes
	var init int64
	for _, pid := range inits() {
		if !contains(known, pid) {
			init += pss(pid)
		}
	}
	init /= boxes
	total := init + max(grown, 0)
	b.page.WriteString(table([][]string{{"PSS a sandbox", ""}, {"mcpbox-init", mib(init)},
		{"growth of the supervisor", mib(grown)}, {"together", mib(total)}}))
	b.text("\nMean of %d sandboxes of one supervisor, no tool in them.\n", len(live))

	own, err := b.runMemory()
	if err != nil {
		return err
	}
	b.text("`mcpbox run` beside a tool that waits: %s (supervisor and mcpbox-init).\n", mib(own))
	return nil
}

// runMemory is the memory of a whole `mcpbox run` besides its tool.
func (b *bench) runMemory() (int64, error) {
	cmd := exec.Command(b.mcpbox, "run", "-q", "--rootfs", b.root, "--", "/bin/victim", "sleep")
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	var sum int64
	if err == nil && line == "ready\n" {
		sum = pss(cmd.Process.Pid)
		for _, pid := range childrenOf(cmd.Process.Pid) {
			sum += pss(pid)
		}
	}
	in.Close()
	if werr := cmd.Wait(); err == nil {
		err = werr
	}
	return sum, err
}

func pss(pid int) int64 {
	data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" {
			n, _ := strconv.ParseInt(f[1], 10, 64)
			return n << 10
		}
	}
	return 0
}

// inits are the children of this process: one mcpbox-init a sandbox.
func inits() []int { return childrenOf(os.Getpid()) }

func childrenOf(pid int) (out []int) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, f := range files {
		data, _ := os.ReadFile(f)
		for c := range strings.FieldsSeq(string(data)) {
			if n, err := strconv.Atoi(c); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

func contains(list []int, n int) bool {
	for _, v := range list {
		if v == n {
			return true
		}
	}
	return false
}

func mib(n int64) string { return fmt.Sprintf("%.2f MiB", float64(n)/(1<<20)) }

// initialisers sums what package initialisation costs before main, as the Go runtime measures it.
func (b *bench) initialisers() error {
	b.heading("Package initialisation")
	least := map[string]float64{}
	var sums []float64
	for range 20 {
		cmd := exec.Command(b.mcpbox, "--help")
		cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil {
			return err
		}
		sum := 0.0
		for line := range strings.Lines(stderr.String()) {
			f := strings.Fields(line) // init NAME @0.1 ms, 0.05 ms clock, …
			if len(f) < 6 || f[0] != "init" {
				continue
			}
			ms, err := strconv.ParseFloat(f[4], 64)
			if err != nil {
				continue
			}
			sum += ms
			if have, ok := least[f[1]]; !ok || ms < have {
				least[f[1]] = ms
			}
		}
		sums = append(sums, sum)
	}
	sort.Float64s(sums)
	names := make([]string, 0, len(least))
	for name := range least {
		names = append(names, name)
	}
	sort.Slice(names, func(i, j int) bool { return least[names[i]] > least[names[j]] })
	rows := [][]string{{"the ten longest", "least of 20 runs"}}
	for _, name := range names[:min(10, len(names))] {
		rows = append(rows, []string{"`" + name + "`", fmt.Sprintf("%.0f µs", least[name]*1e3)})
	}
	b.text("Sum over %d packages: median %.2f ms, least %.2f ms. It is paid twice per start.\n\n",
		len(least), sums[len(sums)/2], sums[0])
	b.page.WriteString(table(rows))
	b.budget("package initialisation, summed", "≤ 0.5 ms", sums[0] <= 0.5,
		fmt.Sprintf("%.2f ms least, %.2f ms median", sums[0], sums[len(sums)/2]))
	return nil
}

func (b *bench) size() error {
	st, err := os.Stat(b.mcpbox)
	if err != nil {
		return err
	}
	b.budget("static binary", "≤ 24 MiB", st.Size() <= 24<<20, mib(st.Size()))
	return nil
}
