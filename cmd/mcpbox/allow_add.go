package main

import (
	"encoding/json"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/mcp/access"
)

func (f *allowFlags) add() *cobra.Command {
	var deny bool
	var schema string
	var paths []string
	var lasts time.Duration
	r := access.Rule{Effect: access.Allow}
	cmd := &cobra.Command{
		Use:   "add LAYER [MATCH]",
		Short: "Add a rule; a rule with the same layer, server and match is replaced",
		Args:  arguments(1, 2),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			r.Layer = access.Layer(args[0])
			if len(args) > 1 {
				r.Match = args[1]
			}
			if deny {
				r.Effect = access.Deny
			}
			if lasts > 0 {
				at := time.Now().Add(lasts)
				r.Expires = &at
			}
			if r.Schema, err = readSchema(schema); err != nil {
				return err
			}
			if r.Paths, err = readPaths(paths); err != nil {
				return err
			}
			rule, err := r.Canonical()
			if err != nil {
				return err
			}
			return f.update(cmd, "add", func(now []access.Rule) ([]access.Rule, error) {
				return append(without(now, rule.ID()), rule), nil
			})
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&r.Server, "server", "*", "name or glob of the servers that the rule applies to")
	fl.BoolVar(&deny, "deny", false, "deny what matches (default: allow it)")
	fl.StringVar(&schema, "schema", "",
		"for parameter: the `JSON` Schema of the arguments, or @FILE")
	fl.StringArrayVar(&paths, "path", nil,
		"for parameter: `ARG=DIR`, the argument must be a path in that folder (may be repeated)")
	fl.StringVar(&r.Note, "note", "", "why the rule exists")
	fl.DurationVar(&lasts, "expires", 0, "the rule ends after this `DURATION`, such as 24h")
	fl.BoolVar(&f.dry, "dry-run", false, "show the change without making it")
	return cmd
}

func readSchema(text string) (json.RawMessage, error) {
	if name, ok := strings.CutPrefix(text, "@"); ok {
		data, err := os.ReadFile(name)
		return data, hint.Wrap(err, "--schema takes JSON, or @FILE")
	}
	if text == "" {
		return nil, nil
	}
	return json.RawMessage(text), nil
}

func readPaths(list []string) (map[string][]string, error) {
	var out map[string][]string
	for _, text := range list {
		arg, dir, ok := strings.Cut(text, "=")
		if !ok || arg == "" || !path.IsAbs(dir) {
			return nil, hint.Errorf("--path ARG=DIR, e.g. --path file=/work",
				"path %q is not ARG=DIR with an absolute folder", text)
		}
		if out == nil {
			out = map[string][]string{}
		}
		out[arg] = append(out[arg], path.Clean(dir))
	}
	return out, nil
}

func without(list []access.Rule, id string) []access.Rule {
	return slices.DeleteFunc(list, func(r access.Rule) bool { return r.ID() == id })
}

// disable makes rules not apply for a time.
func (f *allowFlags) disable() *cobra.Command {
	var lasts time.Duration
	cmd := &cobra.Command{
		Use:   "disable ID… --for DURATION",
		Short: "Make rules not apply for a time; what they allowed is refused meanwhile",
		Args:  arguments(1, many),
		RunE: func(cmd *cobra.Command, ids []string) error {
			if lasts <= 0 {
				return hint.Errorf("--for 1h", "disable: for how long?")
			}
			until := time.Now().Add(lasts)
			return f.each(cmd, "disable", ids,
				func(r access.Rule) access.Rule { r.DisabledUntil = &until; return r })
		},
	}
	cmd.Flags().DurationVar(&lasts, "for", 0, "the `DURATION`, such as 1h")
	cmd.Flags().BoolVar(&f.dry, "dry-run", false, "show the change without making it")
	return cmd
}

// enable makes disabled rules apply again.
func (f *allowFlags) enable() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "enable ID…",
		Short: "Make disabled rules apply again",
		Args:  arguments(1, many),
		RunE: func(cmd *cobra.Command, ids []string) error {
			return f.each(cmd, "enable", ids,
				func(r access.Rule) access.Rule { r.DisabledUntil = nil; return r })
		},
	}
	cmd.Flags().BoolVar(&f.dry, "dry-run", false, "show the change without making it")
	return cmd
}

// each changes the rules that are named.
func (f *allowFlags) each(cmd *cobra.Command, action string, ids []string,
	change func(access.Rule) access.Rule) error {
	return f.update(cmd, action, func(now []access.Rule) ([]access.Rule, error) {
		for _, begin := range ids {
			id, err := oneID(now, begin)
			if err != nil {
				return nil, err
			}
			for i, r := range now {
				if r.ID() == id {
					now[i] = change(r)
				}
			}
		}
		return now, nil
	})
}

func (f *allowFlags) remove() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "remove ID…",
		Short: "Remove rules by id, or by the beginning of an id (list prints the ids)",
		Args:  arguments(1, many),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.update(cmd, "remove", func(now []access.Rule) ([]access.Rule, error) {
				for _, arg := range args {
					id, err := oneID(now, arg)
					if err != nil {
						return nil, err
					}
					now = without(now, id)
				}
				return now, nil
			})
		},
	}
	cmd.Flags().BoolVar(&f.dry, "dry-run", false, "show the change without making it")
	return cmd
}

// oneID is the only id that begins like this.
func oneID(list []access.Rule, begin string) (id string, err error) {
	for _, r := range list {
		if begin == "" || !strings.HasPrefix(r.ID(), begin) {
			continue
		}
		if id != "" {
			return "", hint.Errorf("give more characters of the id",
				"two rules have an id that begins with %q", begin)
		}
		id = r.ID()
	}
	if id == "" {
		return "", hint.Errorf("`mcpbox allow list` prints the ids",
			"there is no rule with the id %q", begin)
	}
	return id, nil
}
