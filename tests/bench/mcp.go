package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// mcp runs the Go benchmarks of tests/mcp, in which a server bare and the same one behind the proxy
// take turns.
func (b *bench) mcp() error {
	b.heading("The MCP proxy, against the same server without it")
	rows := [][]string{{"", "added to a call, median", "1 MiB results, of the direct throughput"}}
	measured := map[string][2]string{} // by rules: latency, throughput
	var names []string
	for i, args := range [][]string{{"Latency", "2000x"}, {"Throughput", "200x"}} {
		cmd := exec.Command("go", "test", "-run", "^$", "-bench", args[0], "-benchtime", args[1],
			"./tests/mcp")
		cmd.Env = append(os.Environ(), "MCPBOX="+b.mcpbox)
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%v: %w: %s", cmd.Args, err, cut(string(out), 400))
		}
		for line := range strings.Lines(string(out)) {
			name, metrics := benchLine(line)
			if name == "" {
				continue
			}
			m, known := measured[name]
			if !known {
				names = append(names, name)
			}
			if i == 0 {
				m[0] = fmt.Sprintf("%.0f µs", metrics["µs_added"])
				b.budget("MCP proxy ("+name+"): added to a `tools/call`", "≤ 150 µs median",
					metrics["µs_added"] <= 150, m[0])
			} else {
				m[1] = fmt.Sprintf("%.2f×", metrics["of_direct"])
				b.budget("MCP proxy ("+name+"): throughput of 1 MiB results", "≥ 0.80×",
					metrics["of_direct"] >= 0.8, m[1])
			}
			measured[name] = m
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("go test ./tests/mcp measured nothing")
	}
	for _, name := range names {
		rows = append(rows, []string{name, measured[name][0], measured[name][1]})
	}
	b.page.WriteString(table(rows))
	b.text("\ndefault: marked in `_meta`, with an audit record a call.\n")
	return nil
}

// benchLine reads "BenchmarkX/name-2  100  1.5 unit  …"; name is "" for other lines.
func benchLine(line string) (name string, metrics map[string]float64) {
	f := strings.Fields(line)
	if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
		return "", nil
	}
	_, name, _ = strings.Cut(f[0], "/")
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		name = name[:i]
	}
	metrics = map[string]float64{}
	for i := 2; i+1 < len(f); i += 2 {
		metrics[f[i+1]], _ = strconv.ParseFloat(f[i], 64)
	}
	return name, metrics
}
