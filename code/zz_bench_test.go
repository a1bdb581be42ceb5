package code

import (
	"fmt"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/policies"
)

func TestZZ(t *testing.T) {
	p := testPool(t)
	for _, c := range []struct{ lang, src string; bare []string }{
		{"python", "pass", []string{"/usr/bin/python3", "-I", "-c", "pass"}},
		{"node", "0", []string{"/usr/bin/node", "-e", "0"}}} {
		for _, g := range []policies.GuardMode{policies.GuardOff, policies.GuardWarn} {
		pol := tier(t, "code-standard")
		pol.Guard.Mode = g
		pol.Limits.CPUs = 0
		r := Runner{Policy: pol, BestEffort: true, Pool: p}
		var warm, bare, inner, cold []time.Duration
		for i := range 60 {
			for s := p.pool.Stats(); ; s = p.pool.Stats() {
				ok := true
				for _, x := range s.Policies { ok = ok && x.Warm >= x.Target }
				if ok { break }
				time.Sleep(time.Millisecond)
			}
			b := time.Now()
			res, err := r.Run(t.Context(), Request{Language: c.lang, Code: []byte(c.src)})
			d := time.Since(b)
			if err != nil || !res.Success { t.Fatal(err, res) }
			if i > 2 { warm = append(warm, d); inner = append(inner, time.Duration(res.ExecutionTime)) }
			b = time.Now()
			_ = exec.Command(c.bare[0], c.bare[1:]...).Run()
			bare = append(bare, time.Since(b))
			if i%5 == 0 {
				b = time.Now()
				_, _ = Runner{Policy: pol, BestEffort: true}.Run(t.Context(), Request{Language: c.lang, Code: []byte(c.src)})
				cold = append(cold, time.Since(b))
			}
		}
		slices.Sort(warm); slices.Sort(bare); slices.Sort(inner); slices.Sort(cold)
		fmt.Println(c.lang, g, "warm", warm[len(warm)/2], warm[0], "exec", inner[len(inner)/2], inner[0], "bare", bare[len(bare)/2], bare[0], "cold", cold[len(cold)/2])
		}
	}
}
