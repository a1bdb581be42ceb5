package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime"
)

// One program in its own sandbox.
func ExampleRun() {
	policy, err := policies.Preset("standard")
	if err != nil {
		panic(err)
	}
	spec := runtime.Spec{Policy: policy, BestEffort: true}
	result, err := runtime.Run(context.Background(), spec, runtime.Command{
		Args: []string{"sh", "-c", "echo hello; exit 3"}, Stdout: os.Stdout,
	})
	if err != nil {
		fmt.Println(err, "hint:", runtime.Hint(err))
		return
	}
	fmt.Println(result.Status, result.ExitCode, result.Layers[policies.LayerSeccomp])
	// Output:
	// hello
	// failed 3 enforced
}

// Several programs share a sandbox. Each context ends only its own program.
func ExampleSandbox_Start() {
	policy, _ := policies.Preset("standard")
	box, err := runtime.Start(context.Background(), runtime.Spec{Policy: policy, BestEffort: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer box.Close()

	_, err = box.Start(context.Background(), runtime.Command{Args: []string{"pyhton"}})
	fmt.Println(errors.Is(err, runtime.ErrNotFound)) // the sandbox continues

	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	p, err := box.Start(ctx, runtime.Command{Args: []string{"sleep", "60"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	result, _ := p.Wait()
	fmt.Println(result.Status, errors.Is(result.Err, context.DeadlineExceeded))
	// Output:
	// true
	// timeout true
}
