package seccomp

import (
	"testing"

	"github.com/mcpbox/mcpbox/policies"
)

// BenchmarkCompile is paid at every start.
func BenchmarkCompile(b *testing.B) {
	for _, name := range []string{"basic", "standard", "strict", "maximum"} {
		p, err := policies.Preset(name)
		if err != nil {
			b.Fatal(err)
		}
		for level, label := range map[int]string{inList: "list", inTree: "tree"} {
			b.Run(name+"/"+label, func(b *testing.B) {
				for b.Loop() {
					f, err := compile(p.Syscalls, level, Watch{})
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(float64(len(f.program)/insnSize), "insns")
				}
			})
		}
	}
}
