package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/internal/steady"
	"github.com/mcpbox/mcpbox/packages"
	"github.com/mcpbox/mcpbox/packages/runner"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
)

// installed replaces the command of a package runner (npx …) by the program that is installed for
// it, and mounts that. It installs what is not there yet. Other commands stay as they are.
func (f *mcpFlags) installed(ctx context.Context, p *policies.Policy, args []string) ([]string,
	error) {
	r, ok := runner.Parse(args)
	if !ok || !installs(args) || p.Isolation == policies.IsolationNone || inWorkspace(p, r) ||
		f.configuresNPM(p) {
		return args, nil
	}
	s, err := openPackages()
	if err != nil {
		return nil, err
	}
	pkg, err := s.Find(r)
	if err != nil {
		return nil, err
	}
	if pkg == nil {
		if pkg, err = s.Install(ctx, r, f.installOptions()); err != nil {
			return nil, err
		}
	}
	if err := mayStart(ctx, pkg); err != nil {
		return nil, err
	}
	if _, err := pkg.Use(); err != nil { // until this process ends
		return nil, err
	}
	command, mounts, err := pkg.Command(r)
	if err != nil {
		return nil, err
	}
	for _, m := range mounts {
		p.Filesystem.Mounts = replaceTarget(p.Filesystem.Mounts, m)
	}
	return command, p.Validate()
}

// installs reports a command whose package mcpbox mcp installs.
func installs(command []string) bool {
	r, ok := runner.Parse(command)
	return ok && r.Ecosystem == runner.NPM
}

// configuresNPM reports that npm itself is to run, with a cache or a registry of the caller's choice.
func (f *mcpFlags) configuresNPM(p *policies.Policy) bool {
	names := append(slices.Collect(maps.Keys(p.Environment.Set)), f.env...)
	return slices.ContainsFunc(names, func(name string) bool {
		return strings.HasPrefix(strings.ToLower(name), "npm_config_")
	})
}

// inWorkspace reports a package that is installed in the server's folder, where a runner takes it
// from.
func inWorkspace(p *policies.Policy, r *runner.Request) bool {
	for _, m := range p.Filesystem.Mounts {
		if m.Target != rootfs.Work {
			continue
		}
		for _, name := range []string{r.Program, filepath.Base(r.Name)} {
			_, err := os.Lstat(filepath.Join(m.Source, "node_modules", ".bin", name))
			if err == nil && name != "" {
				return true
			}
		}
	}
	return false
}

func (f *sandboxFlags) installOptions() packages.Options {
	return packages.Options{BestEffort: f.bestEffort, Progress: func(line string) {
		fmt.Fprintf(steady.File(os.Stderr), "mcpbox: %s\n", safetext.Clean(line, 400))
	}}
}

func openPackages() (*packages.Store, error) {
	dir, err := packages.DefaultDir()
	if err != nil {
		return nil, err
	}
	return packages.Open(dir)
}
