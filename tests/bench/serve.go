package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// serve runs the Go benchmarks of package server: the pool itself and the same call over the socket
// take turns, and so do `node -v` bare, in a cell and in a new sandbox.
func (b *bench) serve() error {
	b.heading("The daemon: a call over the socket, and the first `node -v`")
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", "Socket|FirstNode", "-benchtime",
		"200x", "./server")
	cmd.Env = append(os.Environ(), "MCPBOX="+b.mcpbox)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %w: %s", cmd.Args, err, cut(string(out), 400))
	}
	measured := map[string]map[string]float64{}
	for line := range strings.Lines(string(out)) {
		if name, metrics := benchLine(strings.Replace(line, "Benchmark", "Benchmark/",
			1)); name != "" {
			measured[name] = metrics
		}
	}
	socket, node := measured["Socket"], measured["FirstNode"]
	if socket == nil {
		return fmt.Errorf("go test ./server measured nothing: %s", cut(string(out), 400))
	}
	micro := func(m map[string]float64, key string) string { return fmt.Sprintf("%.0f µs", m[key]) }
	b.page.WriteString(table([][]string{
		{"`true` in a warm cell", "median", "CPU of daemon and client"},
		{"by the Go API of the pool", micro(socket, "pool-µs"), micro(socket, "pool-cpu-µs")},
		{"over the socket: added to the same call", micro(socket, "added-µs"),
			micro(socket, "added-cpu-µs")},
	}))
	b.budget("a call over the HTTP socket: added to the pool's own", "≤ 300 µs",
		socket["added-µs"] <= 300, micro(socket, "added-µs"))
	if node == nil {
		b.text("\nThis host has no Node.\n")
		return nil
	}
	milli := func(key string) string { return fmt.Sprintf("%.1f ms", node[key]) }
	b.text("\n")
	b.page.WriteString(table([][]string{
		{"API call to first `node -v`", "median"},
		{"bare, without a sandbox", milli("bare-ms")},
		{"`POST /v1/executions`, in a cell of the pool", milli("execution-ms")},
		{"`POST /v1/sandboxes`, then `exec` in it", milli("sandbox-ms")},
	}))
	b.text("\nThe state is written to SQLite before the answer. The client is in the figures.\n")
	return nil
}
