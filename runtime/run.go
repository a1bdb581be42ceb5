package runtime

import (
	"context"
)

// Run starts a sandbox, runs one program in it to its end, and takes everything down again. When ctx ends,
// the run ends. An error means that mcpbox failed; the program's failure is a Result.
func Run(ctx context.Context, spec Spec, cmd Command) (*Result, error) {
	return run(ctx, spec, cmd, options{})
}

func run(ctx context.Context, spec Spec, cmd Command, opts options) (*Result, error) {
	box, err := start(ctx, spec, opts)
	if err != nil {
		return nil, err
	}
	p, err := box.Start(ctx, cmd)
	if err != nil {
		_ = box.Close()
		return nil, err
	}
	res, err := p.Wait()
	if closeErr := box.Close(); err == nil {
		err = closeErr
	}
	return res, err
}
