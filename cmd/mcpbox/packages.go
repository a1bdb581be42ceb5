package main

import (
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/plural"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/internal/steady"
	"github.com/mcpbox/mcpbox/packages"
	"github.com/mcpbox/mcpbox/packages/runner"
)

func newInstallCmd() *cobra.Command {
	var f sandboxFlags
	var o packages.Options
	cmd := &cobra.Command{
		Use:   "install npm:NAME[@RANGE]…",
		Short: "Install packages for mcpbox mcp -- npx NAME",
		Long: `Installs packages as mcpbox mcp -- npx NAME does at its first start. npm runs in
a sandbox that reaches only the registries of your npm configuration. No install script runs.`,
		Example: `  mcpbox install npm:@modelcontextprotocol/server-memory
  mcpbox install npm:@modelcontextprotocol/server-everything@2026`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openPackages()
			if err != nil {
				return err
			}
			given := f.installOptions()
			given.Update, given.Timeout = o.Update, o.Timeout
			for _, arg := range args {
				r, err := parseSpec(arg)
				if err != nil {
					return err
				}
				p, err := s.Install(cmd.Context(), r, given)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s\t%s\n", p, p.Integrity)
			}
			return nil
		},
	}
	fl := cmd.Flags()
	fl.BoolVar(&o.Update, "update", false, "ask the registry again for what the range means")
	fl.DurationVar(&o.Timeout, "timeout", 0, "give up after this time (default 5m)")
	fl.BoolVar(&f.bestEffort, "best-effort", false,
		"install even if the host lacks a required layer")
	return cmd
}

// parseSpec reads npm:NAME[@RANGE]; npm: may be left out.
func parseSpec(arg string) (*runner.Request, error) {
	name, versions, ok := runner.Split(runner.NPM, strings.TrimPrefix(arg, "npm:"))
	if !ok {
		return nil, hint.Errorf("npm:NAME or npm:NAME@RANGE", "%q names no package", arg)
	}
	return &runner.Request{Ecosystem: runner.NPM, Name: name, Range: versions}, nil
}

func newPackagesCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "packages",
		Short: "List, verify and remove installed packages",
		Args:  unknownCommand,
		RunE: func(*cobra.Command, []string) error {
			return hint.Errorf("see mcpbox packages --help",
				"packages: name one of list, show, remove, gc, verify")
		},
	}
	var asJSON bool
	list := &cobra.Command{
		Use: "list", Short: "List the installed packages", Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error { return listPackages(cmd, asJSON) },
	}
	list.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	cmd.AddCommand(list,
		&cobra.Command{Use: "show NAME[@VERSION]", Args: arguments(1, 1),
			Short: "Show what is known of an installed package, as JSON",
			RunE: eachPackage(func(cmd *cobra.Command, _ *packages.Store, p *packages.Package) error {
				return writeJSON(cmd.OutOrStdout(), struct {
					*packages.Package
					Folder string `json:"folder"`
				}{p, p.Folder})
			})},
		&cobra.Command{Use: "remove NAME[@VERSION]", Args: arguments(1, 1),
			Short: "Remove an installed package",
			RunE: eachPackage(func(cmd *cobra.Command, s *packages.Store, p *packages.Package) error {
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
