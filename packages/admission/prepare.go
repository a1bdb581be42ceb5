package admission

import (
	"context"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/mcp/identity"
	"github.com/mcpbox/mcpbox/packages"
	"github.com/mcpbox/mcpbox/packages/audit"
	"github.com/mcpbox/mcpbox/packages/runner"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
)

// Options of Prepare.
type Options struct {
	Env     []string         // NAME=VALUE or NAME, that the program will get
	Install packages.Options // of an install, if it is needed; Decide and Try are set by Prepare
	// Say tells of a quarantine, in one line and a hint; nil: nobody.
	Say func(line, hint string)
}

// Start is how to start what was asked for.
type Start struct {
	Command []string
	Package *packages.Package // nil: the command starts no package that mcpbox installs
	Report  *Report           // nil: likewise
	done    func()
}

// Close ends the use of the package: it may be removed then. The end of the process does the same.
func (s *Start) Close() {
	if s.done != nil {
		s.done()
	}
}

// Name is what the server is called when nobody says so; "": the command starts no package.
func (s *Start) Name() string {
	if s.Package == nil {
		return ""
	}
	return path.Base(s.Package.Name)
}

// Version is that of the installed package, "" if there is none.
func (s *Start) Version() string {
	if s.Package == nil {
		return ""
	}
	return s.Package.Version
}

// Installed is for the rules about packages; nil: the command starts none.
func (s *Start) Installed() *identity.Installed {
	if s.Package == nil {
		return nil
	}
	return &identity.Installed{Name: s.Package.Name, Version: s.Package.Version}
}

// Prepare replaces the command of a package runner (npx …) by the program that is installed for
// it, and mounts that in the policy. It installs what is not there yet. Other commands stay as they
// are, and so do those that are to run the runner itself.
func (d *Desk) Prepare(ctx context.Context, p *policies.Policy, command []string,
	o Options) (*Start, error) {
	r, ok := runner.Parse(command)
	if !ok || p.Isolation == policies.IsolationNone || inWorkspace(p, r) || configured(p, o.Env) {
		return &Start{Command: command}, nil
	}
	pkg, err := d.Install(ctx, r, o.Install)
	if err != nil {
		return nil, err
	}
	start := &Start{Package: pkg}
	if start.Report, err = d.Report(ctx, pkg, p.Packages); err != nil {
		return nil, err
	}
	trust := "mcpbox audit " + pkg.String() + " shows why; mcpbox trust " + start.Report.spec +
		" --reason … lets it run"
	switch start.Report.Verdict {
	case audit.Denied:
		return nil, hint.Errorf(trust, "%s is denied: %s", pkg, start.Report.Reason)
	case audit.Quarantined:
		quarantine(p)
		if o.Say != nil {
			o.Say(pkg.String()+" is quarantined: "+start.Report.Reason+
				". It runs without network and workspace, and its tools are not offered", trust)
		}
	}
	if start.done, err = pkg.Use(); err != nil {
		return nil, err
	}
	var mounts []policies.Mount
	if start.Command, mounts, err = pkg.Command(r); err != nil {
		return nil, err
	}
	for _, m := range mounts {
		p.Filesystem.Mounts = slices.DeleteFunc(p.Filesystem.Mounts, func(o policies.Mount) bool {
			return o.Target == m.Target
		})
		p.Filesystem.Mounts = append(p.Filesystem.Mounts, m)
	}
	return start, p.Validate()
}

// Install returns what is installed for a request. What is not is installed, audited, and started
// once for a trial.
func (d *Desk) Install(ctx context.Context, r *runner.Request, o packages.Options) (
	*packages.Package, error) {
	if !o.Update {
		if p, err := d.Packages.Find(r); err != nil || p != nil {
			return p, err
		}
	}
	return d.Packages.Install(ctx, r, d.hooks(ctx, r, o))
}

// hooks lets decisions count in an install, and starts the package for a trial.
func (d *Desk) hooks(ctx context.Context, r *runner.Request, o packages.Options) packages.Options {
	o.Decide = func(name, version string) (audit.Verdict, string) {
		decided, err := d.decided(ctx, &packages.Package{Ecosystem: r.Ecosystem, Name: name,
			Version: version})
		switch {
		case err != nil:
			return audit.Denied, err.Error() // Report will say it better
		case decided == nil:
			return "", ""
		}
		return decided.Verdict, decided.Reason
	}
	o.Try = func(ctx context.Context, p *packages.Package) { try(ctx, p, r, o.BestEffort) }
	return o
}

// quarantine takes from a policy what a package must not have before somebody decided.
func quarantine(p *policies.Policy) {
	p.Network = policies.Network{Mode: policies.NetworkNone}
	p.Filesystem.Mounts = nil
	p.MCP.Mode = policies.MCPOff
}

// configured reports that the runner itself is to run, with a cache or a registry of the caller's
// choice.
func configured(p *policies.Policy, env []string) bool {
	names := append(slices.Collect(maps.Keys(p.Environment.Set)), env...)
	return slices.ContainsFunc(names, func(name string) bool {
		name = strings.ToLower(name)
		return strings.HasPrefix(name, "npm_config_") || strings.HasPrefix(name, "pip_") ||
			strings.HasPrefix(name, "uv_") || strings.HasPrefix(name, "pipx_")
	})
}

// inWorkspace reports a package that is installed in the server's folder, where npx takes it from.
func inWorkspace(p *policies.Policy, r *runner.Request) bool {
	if r.Ecosystem != runner.NPM {
		return false
	}
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
