package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// egress runs the Go benchmarks of tests/escape/egress, in which a sandbox with a network by name
// and one with the host's network take turns.
func (b *bench) egress() error {
	b.heading("A network by name, against the host's network")
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", ".", "-benchtime", "1x",
		"./tests/escape/egress")
	cmd.Env = append(os.Environ(), "MCPBOX="+b.mcpbox)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %w: %s", cmd.Args, err, cut(string(out), 400))
	}
	m := map[string]float64{}
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "Benchmark") {
			continue
		}
		_, metrics := benchLine(strings.Replace(line, "Benchmark", "Benchmark/", 1))
		for name, v := range metrics {
			m[name] = v
		}
	}
	if m["µs_direct"] == 0 || m["of_plain_relay"] == 0 {
		return fmt.Errorf("go test ./tests/escape/egress measured nothing: %s",
			cut(string(out), 400))
	}
	b.budget("egress: first echoed byte later than directly", "≤ 300 µs", m["µs_added"] <= 300,
		fmt.Sprintf("%.0f µs", m["µs_added"]))
	b.budget("egress: throughput against a plain Go splice relay", "≥ 0.95×",
		m["of_plain_relay"] >= 0.95, fmt.Sprintf("%.2f×", m["of_plain_relay"]))
	b.budget("egress: added to a start", "≤ 1 ms", m["ms_added"] <= 1,
		fmt.Sprintf("%.2f ms", m["ms_added"]))
	b.budget("egress: memory of an idle sandbox's processes", "≤ 0.2 MiB more",
		m["MiB_added"] <= 0.2, fmt.Sprintf("%.2f MiB", m["MiB_added"]))
	b.page.WriteString(table([][]string{
		{"", "directly", "by name"},
		{"connect to an address and get a byte back", fmt.Sprintf("%.0f µs", m["µs_direct"]),
			fmt.Sprintf("+%.0f µs", m["µs_added"])},
		{"the same, with a look-up", fmt.Sprintf("%.0f µs", m["µs_direct_by_name"]),
			fmt.Sprintf("+%.0f µs", m["µs_added_by_name"])},
		{"1 GiB over one connection", fmt.Sprintf("%.0f MB/s", m["MB/s_direct"]),
			fmt.Sprintf("%.0f MB/s", m["MB/s_mcpbox"])},
		{"the same through a plain Go relay", fmt.Sprintf("%.0f MB/s", m["MB/s_plain_relay"]), ""},
	}))
	return nil
}
