package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/plural"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/mcp/store"
)

func (f *allowFlags) history() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Show every change: its time, its author, before and after",
		Args:  arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := f.open(false)
			if err != nil {
				return err
			}
			defer s.Close()
			entries, problems, err := s.History(cmd.Context())
			if err != nil {
				return err
			}
			for _, p := range problems {
				fmt.Fprintf(cmd.ErrOrStderr(), "mcpbox: the log was tampered with: %s\n",
					safetext.Clean(p, 400))
			}
			if f.json {
				err = writeJSON(cmd.OutOrStdout(), append([]store.Entry{}, entries...))
			} else {
				_, err = io.WriteString(cmd.OutOrStdout(), historyText(entries))
			}
			if err == nil && len(problems) > 0 {
				err = exitError(1)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON, with the hashes")
	return cmd
}

func historyText(entries []store.Entry) string {
	var b strings.Builder
	for _, e := range entries {
		who := e.Operator
		if e.As != "" {
			who += " as " + e.As
		}
		fmt.Fprintf(&b, "%d  %s  %s: %s\n", e.Seq, e.Time.Format("2006-01-02 15:04:05Z"),
			safetext.Clean(who, 0), safetext.Clean(e.Action, 0))
		for _, c := range e.Changes {
			for line := range strings.Lines(c.String()) {
				b.WriteString("   " + line)
			}
		}
	}
	return b.String()
}

func (f *allowFlags) rollback() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rollback ENTRY",
		Short: "Restore the rules as they were after an entry of the history (0: before the first)",
		Args:  arguments(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			seq, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil {
				return hint.Errorf("`mcpbox allow history` lists the entries",
					"rollback: %q is not the number of an entry", args[0])
			}
			s, err := f.open(false)
			if err != nil {
				return err
			}
			defer s.Close()
			entry, err := s.Rollback(cmd.Context(), store.CurrentAuthor(f.as), seq, f.dry)
			if err != nil {
				return err
			}
			return f.show(cmd.OutOrStdout(), entry)
		},
	}
	cmd.Flags().BoolVar(&f.dry, "dry-run", false, "show the change without making it")
	return cmd
}

func (f *allowFlags) export() *cobra.Command {
	return &cobra.Command{
		Use:   "export [FILE]",
		Short: "Write the rules as JSON, to standard output or to a new file",
		Args:  arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := f.rules(cmd)
			if err != nil {
				return err
			}
			data, err := access.Export(list)
			if err != nil {
				return err
			}
			if len(args) == 0 || args[0] == "-" {
				_, err = cmd.OutOrStdout().Write(data)
				return err
			}
			file, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_CLOEXEC,
				0o600)
			if err != nil {
				return hint.Errorf("name a file that does not exist yet", "export: %w", err)
			}
			if _, err = file.Write(data); err != nil {
				file.Close()
				return fmt.Errorf("export: %w", err)
			}
			return file.Close()
		},
	}
}

func (f *allowFlags) importer() *cobra.Command {
	var merge bool
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Replace the rules by those in a file that export wrote",
		Args:  oneFile("mcpbox allow import rules.json"),
		RunE: func(cmd *cobra.Command, args []string) error {
			list, err := readRules(cmd, args[0])
			if err != nil {
				return err
			}
			return f.update(cmd, "import", func(now []access.Rule) ([]access.Rule, error) {
				if !merge {
					return list, nil
				}
				for _, r := range list {
					now = append(without(now, r.ID()), r)
				}
				return now, nil
			})
		},
	}
	cmd.Flags().BoolVar(&merge, "merge", false, "keep the present rules and add those of the file")
	cmd.Flags().BoolVar(&f.dry, "dry-run", false, "show the change without making it")
	return cmd
}

func readRules(cmd *cobra.Command, name string) ([]access.Rule, error) {
	data, err := readInput(cmd, name)
	if err != nil {
		return nil, hint.Wrap(err, "name a file that `mcpbox allow export` wrote, or - for "+
			"standard input")
	}
	list, err := access.Import(data)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("%s: %w", name, err), hint.Of(err))
	}
	return list, nil
}

func (f *allowFlags) verify() *cobra.Command {
	var expect, auditFile string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that the log is intact and that the rules match it",
		Long: `Checks the chain of hashes in the log, and that the rules in force are those
that the log leads to. Whoever can write the file can also replace its newest entries and
compute new hashes. The audit log of mcpbox mcp notes the newest entry at each start. The log
must still have each of these entries: verify compares it with --audit, else with the audit
logs that mcpbox mcp has written for this file. Or keep the head that verify prints in
another place, and pass it with --expect the next time.`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := f.open(false)
			if err != nil {
				return err
			}
			defer s.Close()
			heads, seen, err := f.witnesses(auditFile)
			if err != nil {
				return err
			}
			head, problems, err := s.Verify(cmd.Context(), append(heads, expect)...)
			if err != nil {
				return err
			}
			if f.json {
				err = writeJSON(cmd.OutOrStdout(),
					map[string]any{"ok": len(problems) == 0, "head": head, "audit_files": seen,
						"problems": append([]string{}, problems...)})
			} else if len(problems) == 0 {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "ok: %s, head %s%s\n",
					plural.Of(head.Seq, "entry"), head, comparedWith(seen))
			}
			if len(problems) == 0 || err != nil {
				return err
			}
			for _, p := range problems {
				fmt.Fprintf(cmd.ErrOrStderr(), "mcpbox: %s\n", safetext.Clean(p, 400))
			}
			return exitError(1)
		},
	}
	cmd.Flags().StringVar(&expect, "expect", "",
		"a `HEAD` printed earlier; the log must still contain it")
	cmd.Flags().StringVar(&auditFile, "audit", "",
		"a `FILE` that mcpbox mcp --audit wrote; the log must contain the heads in it. "+
			"Default: those that it wrote for this allowlist")
	cmd.Flags().BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}
