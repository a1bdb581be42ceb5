package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime"
)

// startTime bounds the attempts together.
const startTime = 30 * time.Second

// starts runs `true` under each preset. What forbids a sandbox often shows nowhere else: a /proc
// that is partly covered, a mount that a security module refuses.
func starts(ctx context.Context) (items []Item) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for _, preset := range []string{"basic", "standard", "strict", "maximum"} {
		name := "start of " + preset
		took, err := start(ctx, preset)
		if err == nil {
			items = append(items, ok(name, fmt.Sprintf("`true` ran, in %d ms",
				took.Milliseconds())))
			continue
		}
		item := Item{name, Warn, oneLine(err.Error()), "the preset " + preset, hint.Of(err)}
		if preset == "standard" {
			item.Status = Fail
		}
		if strings.Contains(item.Fix, "mcpbox doctor") {
			item.Fix = "" // this is it: the items above say what is missing
		}
		items = append(items, item)
	}
	return items
}

func start(ctx context.Context, preset string) (time.Duration, error) {
	policy, err := policies.Preset(preset)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	res, err := runtime.Run(ctx, runtime.Spec{Policy: policy}, runtime.Command{
		Args: []string{"true"}})
	if errors.Is(err, runtime.ErrNotFound) { // everything else was there
		return time.Since(began), nil
	}
	if err != nil {
		return 0, err
	}
	if res.Status != runtime.StatusOK {
		return 0, fmt.Errorf("`true` did not run well: %s (exit code %d)", res.Status, res.ExitCode)
	}
	return time.Since(began), nil
}
