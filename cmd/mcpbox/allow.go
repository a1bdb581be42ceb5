package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/store"
)

// allowFlags are those of every `mcpbox allow` command.
type allowFlags struct {
	store, as string
	json, dry bool
}

func newAllowCmd() *cobra.Command {
	var f allowFlags
	cmd := &cobra.Command{
		Use:   "allow",
		Short: "Manage the allowlist of MCP servers, tools and their arguments",
		Long: `The allowlist says which MCP servers may run, and which of their tools may be
called. It works beside a policy: both must allow a call. Every change goes into a log, with
its time and author; the entries are chained by hashes. A running proxy (mcpbox mcp --store
FILE) applies a change at once.

Each layer must allow a call. In each layer, deny wins over allow.
  global              deny: refuse everything
  server MATCH        the server's name, sha256:HEX of its program, or command:GLOB
  package NAME@RANGE  the npm package that the server runs, and its version
  version RANGE       the version that the server says it has
  tool MATCH          a name or a glob; tools that no rule allows are refused
  resource, prompt    likewise
  parameter MATCH     a JSON Schema, or folders, for the arguments of a tool`,
		Example: `  mcpbox allow add tool 'read_*' --server notes
  mcpbox allow add parameter read_note --schema '{"properties": {"name": {"pattern": "^[a-z-]+$"}}}'
  mcpbox allow learn calls.jsonl`,
		Args: unknownCommand,
		RunE: func(*cobra.Command, []string) error {
			return hint.Errorf("see mcpbox allow --help",
				"allow: name one of list, add, remove, history, rollback, export, import, "+
					"verify, learn, evaluate")
		},
	}
	cmd.PersistentFlags().StringVar(&f.store, "store", "",
		"the `FILE` of the allowlist (default ${XDG_DATA_HOME:-~/.local/share}/mcpbox/allow.db)")
	cmd.PersistentFlags().StringVar(&f.as, "as", "",
		"on whose behalf you act: `NAME` is recorded beside your account")
	cmd.AddCommand(f.list(), f.add(), f.remove(), f.disable(), f.enable(), f.history(),
		f.rollback(), f.export(),
		f.importer(), f.verify(), f.learn(), f.evaluate())
	return cmd
}

func (f *allowFlags) path() (string, error) {
	if f.store != "" {
		return f.store, nil
	}
	return store.DefaultPath()
}

// open opens the store; make creates it if it is missing.
func (f *allowFlags) open(make bool) (*store.Store, error) {
	p, err := f.path()
	if err != nil {
		return nil, err
	}
	if make {
		return store.Open(p)
	}
	return store.OpenExisting(p)
}

// update makes one change and shows it.
func (f *allowFlags) update(cmd *cobra.Command, action string,
	edit func([]access.Rule) ([]access.Rule, error)) error {
	s, err := f.open(!f.dry)
	if err != nil {
		return err
	}
	defer s.Close()
	entry, err := s.Update(cmd.Context(), store.CurrentAuthor(f.as), action, f.dry, edit)
	if err != nil {
		return err
	}
	if usual, err := store.DefaultPath(); f.store != "" && (err != nil || f.store != usual) &&
		entry != nil && !f.dry {
		fmt.Fprintf(cmd.ErrOrStderr(), "mcpbox: only proxies that name this store apply it: "+
			"mcpbox mcp --store %s\n", f.store)
	}
	return f.show(cmd.OutOrStdout(), entry)
}

// show prints what a change did, or would do.
func (f *allowFlags) show(w io.Writer, entry *store.Entry) error {
	if entry == nil {
		_, err := fmt.Fprintln(w, "nothing to change")
		return err
	}
	var b strings.Builder
	for _, c := range entry.Changes {
		b.WriteString(c.String())
	}
	if f.dry {
		b.WriteString("not applied: this was a dry run\n")
	} else {
		fmt.Fprintf(&b, "entry %d\n", entry.Seq)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (f *allowFlags) list() *cobra.Command {
	var server string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the rules in force",
		Args:  arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := f.rules(cmd)
			if err != nil {
				return err
			}
			list = slices.DeleteFunc(list,
				func(r access.Rule) bool {
					return server != "" && r.Server != server &&
						r.Server != "*"
				})
			if f.json {
				return writeJSON(cmd.OutOrStdout(), append([]access.Rule{}, list...))
			}
			var b strings.Builder
			for _, r := range list {
				line := r.ID() + "  " + r.String()
				if r.Note != "" {
					line += "  # " + r.Note
				}
				b.WriteString(line + "\n")
			}
			_, err = io.WriteString(cmd.OutOrStdout(), b.String())
			return err
		},
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	cmd.Flags().StringVar(&server, "server", "",
		"show only rules for this server and for all servers")
	return cmd
}

// rules are those in force.
func (f *allowFlags) rules(cmd *cobra.Command) ([]access.Rule, error) {
	s, err := f.open(false)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	list, _, err := s.Rules(cmd.Context())
	return list, err
}
