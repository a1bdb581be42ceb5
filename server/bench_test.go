package server_test

import (
	"testing"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/pool"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
	"github.com/mcpbox/mcpbox/server/api"
)

// What the socket, the API and the state add to a call of the pool: compare both.

func BenchmarkPool(b *testing.B) {
	policy, err := policies.Preset("standard")
	if err != nil {
		b.Fatal(err)
	}
	p := pool.New(pool.Config{BestEffort: true})
	defer p.Close()
	if err := p.Prepare(b.Context(), policy); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		cmd := mcpruntime.Command{Args: []string{"true"}}
		if _, err := p.Run(b.Context(), pool.Call{Policy: policy, Command: cmd}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExecution(b *testing.B) {
	d := start(b, folder(b), "pool: {warm: [standard]}\n")
	for b.Loop() {
		req := api.ExecutionRequest{Command: []string{"true"}}
		if _, err := d.Run(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}
