package monitor_test

import (
	"testing"

	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
)

// BenchmarkRecord is the monitor's share of a refusal's cost: a repeat, with rules, without a
// sink's.
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
