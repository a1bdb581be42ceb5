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

// BenchmarkBuildACell measures the building of a cell, and its end: without a network, and with one
// that allows hosts by name.
func BenchmarkBuildACell(b *testing.B) {
	testhost.Need(b, "sandbox")
	for _, name := range []string{"none", "by_name"} {
		b.Run(name, func(b *testing.B) {
			p, err := policies.Preset("standard")
			if err != nil {
				b.Fatal(err)
			}
			if name == "by_name" {
				p.AllowNetwork(policies.NetworkRule{Host: "api.example.test"})
			}
			box, err := Start(b.Context(), Spec{Policy: p, BestEffort: true, Cells: 1})
			if err != nil {
				b.Fatal(err)
			}
			defer box.Close()
			for b.Loop() {
				cell, err := box.NewCell(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				cell.Close()
			}
		})
	}
}
