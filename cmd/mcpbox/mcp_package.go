package main

import (
	"context"
	"fmt"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/internal/steady"
	"github.com/mcpbox/mcpbox/packages"
	"github.com/mcpbox/mcpbox/packages/admission"
	"github.com/mcpbox/mcpbox/packages/runner"
	"github.com/mcpbox/mcpbox/policies"
)

// prepare replaces the command of a package runner (npx, uvx …) by the program that is installed
// for it: see admission.Desk.Prepare.
func (f *sandboxFlags) prepare(ctx context.Context, p *policies.Policy, args []string) (
	*admission.Start, error) {
	if runner.Of(args) == "" {
		return &admission.Start{Command: args}, nil
	}
	desk, err := admission.Open()
	if err != nil {
		return nil, err
	}
	return desk.Prepare(ctx, p, args, admission.Options{Env: f.env, Install: f.installOptions(),
		Say: func(line, hint string) {
			fmt.Fprintf(steady.File(f.who().stderr), "mcpbox: %s\nmcpbox: hint: %s\n",
				safetext.Clean(line, 600), safetext.Clean(hint, 400))
		}})
}

// installs reports a command whose package mcpbox installs.
func installs(command []string) bool {
	_, ok := runner.Parse(command)
	return ok
}

func (f *sandboxFlags) installOptions() packages.Options {
	return packages.Options{BestEffort: f.bestEffort, Progress: func(line string) {
		fmt.Fprintf(steady.File(f.who().stderr), "mcpbox: %s\n", safetext.Clean(line, 400))
	}}
}
