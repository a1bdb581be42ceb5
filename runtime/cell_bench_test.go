package runtime

import (
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
)

// BenchmarkCallInAWarmCell measures a call in a warm cell, without the building and the end of the
// cell.
func BenchmarkCallInAWarmCell(b *testing.B) {
	p, err := policies.Preset("standard")
	if err != nil {
		b.Fatal(err)
	}
	testhost.Need(b, "sandbox")
	box, err := Start(b.Context(), Spec{Policy: p, BestEffort: true, Cells: 1})
	if err != nil {
		b.Fatal(err)
	}
	defer box.Close()
	for b.Loop() {
		b.StopTimer()
		cell, err := box.NewCell(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		process, err := cell.Start(b.Context(), Command{Args: []string{"/bin/true"}})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := process.Wait(); err != nil {
			b.Fatal(err)
		}
	}
}
