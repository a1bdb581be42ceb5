package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/plural"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/internal/steady"
	"github.com/mcpbox/mcpbox/mcp/clientconfig"
	"github.com/mcpbox/mcpbox/packages"
	"github.com/mcpbox/mcpbox/packages/admission"
	"github.com/mcpbox/mcpbox/packages/runner"
)

func newInstallCmd() *cobra.Command {
	var f sandboxFlags
	var o packages.Options
	var from string
	cmd := &cobra.Command{
		Use:   "install [npm:|pypi:]NAME[@RANGE]… | --from FILE",
		Short: "Install packages for mcpbox mcp -- npx NAME, or uvx NAME",
		Long: `Installs packages as mcpbox mcp -- npx NAME does at its first start. npm or pip runs
in a sandbox that reaches only the registries of your configuration. No install script runs
unless the package is trusted. Then mcpbox audits the package, and starts it once without a
network to list its tools.`,
		Example: `  mcpbox install npm:@modelcontextprotocol/server-memory
  mcpbox install pypi:mcp-server-git@2025.9.25
  mcpbox install --from ~/.cursor/mcp.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			requests, err := installRequests(args, from)
			if err != nil {
				return err
			}
			desk, err := admission.Open()
			if err != nil {
				return err
			}
			given := f.installOptions()
			given.Update, given.Timeout = o.Update, o.Timeout
			for _, r := range requests {
				p, err := desk.Install(cmd.Context(), r, given)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s\t%s\n", p, p.Integrity)
			}
			return nil
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&from, "from", "",
		"install what the servers in `FILE` start, the configuration of an MCP client")
	fl.BoolVar(&o.Update, "update", false, "ask the registry again for what the range means")
	fl.DurationVar(&o.Timeout, "timeout", 0, "give up after this time (default 5m)")
	fl.BoolVar(&f.bestEffort, "best-effort", false,
		"install even if the host lacks a required layer")
	return cmd
}

// installRequests are the packages named by arguments, and those of a client's configuration.
func installRequests(args []string, from string) (out []*runner.Request, err error) {
	for _, arg := range args {
		r, err := parseSpec(arg)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	if from != "" {
		name, full := binary()
		change, err := clientconfig.WrapFile(from, clientconfig.Options{Binary: name, Path: full},
			true, nil)
		if err != nil {
			return nil, err
		}
		for _, s := range change.Servers {
			command := s.Before
			if at := slices.Index(command, "--"); runner.Of(command) == "" && at >= 0 {
				command = command[at+1:] // it is wrapped already
			}
			if r, ok := runner.Parse(command); ok {
				out = append(out, r)
			}
		}
	}
	if len(out) == 0 {
		return nil, hint.Errorf("mcpbox install npm:NAME, pypi:NAME, or --from FILE",
			"install: no package given")
	}
	return out, nil
}

// parseSpec reads npm:NAME[@RANGE] or pypi:NAME[@RANGE]; npm: may be left out.
func parseSpec(arg string) (*runner.Request, error) {
	ecosystem, spec := runner.NPM, strings.TrimPrefix(arg, "npm:")
	if rest, ok := strings.CutPrefix(arg, "pypi:"); ok {
		ecosystem, spec = runner.PyPI, rest
	}
	name, versions, ok := runner.Split(ecosystem, spec)
	if !ok {
		return nil, hint.Errorf("npm:NAME, npm:NAME@RANGE or pypi:NAME", "%q names no package", arg)
	}
	return &runner.Request{Ecosystem: ecosystem, Name: name, Range: versions}, nil
}

func hasEcosystem(spec string) bool {
	return strings.HasPrefix(spec, "npm:") || strings.HasPrefix(spec, "pypi:")
}

func openPackages() (*packages.Store, error) {
	desk, err := admission.Open()
	if err != nil {
		return nil, err
	}
	return desk.Packages, nil
}

func newPackagesCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "packages",
		Short: "List, update, verify and remove installed packages",
		Args:  unknownCommand,
		RunE: func(*cobra.Command, []string) error {
			return hint.Errorf("see mcpbox packages --help",
				"packages: name one of list, show, update, remove, gc, verify")
		},
	}
	var asJSON bool
	list := &cobra.Command{
		Use: "list", Short: "List the installed packages", Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return listPackages(cmd, asJSON) },
	}
	list.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	cmd.AddCommand(list, newUpdateCmd(),
		&cobra.Command{Use: "show NAME[@VERSION]", Args: arguments(1, 1),
			Short: "Show what is known of an installed package, as JSON",
			RunE: eachPackage(func(cmd *cobra.Command, _ *packages.Store,
				p *packages.Package) error {
				return writeJSON(cmd.OutOrStdout(), struct {
					*packages.Package
					Folder string `json:"folder"`
				}{p, p.Folder})
			})},
		&cobra.Command{Use: "remove NAME[@VERSION]", Args: arguments(1, 1),
			Short: "Remove an installed package",
			RunE: eachPackage(func(cmd *cobra.Command, s *packages.Store,
				p *packages.Package) error {
				return s.Remove(cmd.Context(), p)
			})},
		&cobra.Command{Use: "gc", Args: arguments(0, 0),
			Short: "Remove interrupted installs and replaced versions", RunE: gcPackages},
		&cobra.Command{Use: "verify [NAME]", Args: arguments(0, 1),
			Short: "Compare installed files with what was installed (exit code 1: they differ)",
			RunE:  verifyPackages})
	return cmd
}

func listPackages(cmd *cobra.Command, asJSON bool) error {
	s, err := openPackages()
	if err != nil {
		return err
	}
	all, err := s.List()
	if err != nil {
		return err
	}
	if asJSON {
		if all == nil {
			all = []*packages.Package{}
		}
		return writeJSON(cmd.OutOrStdout(), all)
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
	for _, p := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%.1f MiB\t%s\n", p.Name, p.Version,
			plural.Of(p.Packages, "package"), float64(p.Bytes)/(1<<20),
			p.Installed.Format("2006-01-02"))
	}
	return w.Flush()
}

// eachPackage runs work for every installed version that the argument names.
func eachPackage(work func(*cobra.Command, *packages.Store, *packages.Package) error) func(
	*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		s, err := openPackages()
		if err != nil {
			return err
		}
		named, err := s.Named(args[0])
		if err != nil {
			return err
		}
		for _, p := range named {
			if err := work(cmd, s, p); err != nil {
				return err
			}
		}
		return nil
	}
}

func gcPackages(cmd *cobra.Command, _ []string) error {
	s, err := openPackages()
	if err != nil {
		return err
	}
	removed, err := s.GC(cmd.Context())
	for _, what := range removed {
		fmt.Fprintf(cmd.OutOrStdout(), "removed %s\n", what)
	}
	return err
}

func verifyPackages(cmd *cobra.Command, args []string) error {
	s, err := openPackages()
	if err != nil {
		return err
	}
	all, err := s.List()
	if len(args) > 0 {
		all, err = s.Named(args[0])
	}
	if err != nil {
		return err
	}
	bad := false
	for _, p := range all {
		if err := p.Verify(); err != nil {
			bad = true
			fmt.Fprintf(steady.File(os.Stderr), "mcpbox: %s\nmcpbox: hint: %s\n",
				safetext.Clean(err.Error(), 400), hint.Of(err))
			continue
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: unchanged\n", p)
	}
	if bad {
		return exitError(1)
	}
	return nil
}
