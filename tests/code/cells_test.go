package code

import (
	"testing"
	"time"

	mcpcode "github.com/mcpbox/mcpbox/code"
	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/pool"
)

// What holds for a snippet in a sandbox of its own holds in a cell of a pool, with an interpreter
// that was started ahead where the language has one.
func TestSnippetsBehaveAsBareInCells(t *testing.T) {
	testhost.Need(t, "sandbox")
	policy, err := policies.Preset("code-standard")
	if err != nil {
		t.Fatal(err)
	}
	sandboxes := pool.New(pool.Config{BestEffort: true, Wait: time.Minute})
	defer sandboxes.Close()
	r := mcpcode.Runner{Policy: policy, BestEffort: true, Pool: mcpcode.NewPool(sandboxes)}
	eachLanguage(t, func(t *testing.T, language string, parts []part) {
		golden := expectations(t, language)
		for _, part := range parts {
			t.Run(part.name, func(t *testing.T) {
				res, err := r.Run(t.Context(), mcpcode.Request{Language: language,
					Code: []byte(part.code)})
				if err != nil {
					t.Fatal(err)
				}
				got := expected{res.ExitCode, short(res.Stdout), lastLine(res.Stderr)}
				if want := golden[part.name]; got != want {
					t.Errorf("status %s %s\ngot  %+v\nwant %+v\nstderr: %s", res.Status, res.Reason,
						got, want, res.Stderr)
				}
			})
		}
	})
}
