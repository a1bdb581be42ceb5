package monitor_test

import (
	"testing"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// BenchmarkRecord measures the monitor's share of the cost of a refusal: a repeated event, with
// rules, without the cost of a sink.
func BenchmarkRecord(b *testing.B) {
	rec, err := monitor.New(monitor.Config{Rules: []policies.Rule{
		{ID: "debugger", Action: "kill",
			When: `type == "syscall_blocked" && syscall in ["ptrace","process_vm_readv"]`},
		{ID: "often", When: `count > 1000000000 && severity == "high"`},
	}})
	if err != nil {
		b.Fatal(err)
	}
	e := refused("kill", "1234", "SIGKILL")
	b.ReportAllocs()
	for b.Loop() {
		rec.Record(e)
	}
}
