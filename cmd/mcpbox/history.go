package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/code/store"
	"github.com/mcpbox/mcpbox/internal/hint"
)

func newHistoryCmd() *cobra.Command {
	var path string
	var number int
	var asJSON, showCode bool
	cmd := &cobra.Command{
		Use:   "history [flags] [ID]",
		Short: "List the code that has been run, the newest first",
		Long: "List the executions of mcpbox code and mcp-server, the newest first; with an ID, " +
			"the whole result of one as JSON.\n" +
			"`mcpbox report ID` judges one.",
		Args: arguments(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := openStore(path)
			if err != nil {
				return err
			}
			defer s.Close()
			if len(args) == 1 {
				return showExecution(cmd, s, args[0], showCode)
			}
			list, err := s.List(cmd.Context(), number)
			if err != nil {
				return err
			}
			for _, e := range list {
				if asJSON {
					if err := json.NewEncoder(cmd.OutOrStdout()).Encode(e); err != nil {
						return err
					}
					continue
				}
				row := fmt.Sprintf("%s  %s  %-14s %-10s %-13s exit %-3d %8.3f s  risk %s",
					e.ID, e.Time.Format(time.RFC3339), e.Policy, e.Language, e.Status, e.ExitCode,
					e.Took.Seconds(), e.Risk)
				out := cmd.OutOrStdout()
				if _, err := fmt.Fprintln(out, fitted(row, columns(out))); err != nil {
					return err
				}
			}
			return nil
		},
	}
	fl := cmd.Flags()
	storeFlag(fl, &path)
	fl.IntVarP(&number, "number", "n", 20, "how many")
	fl.BoolVar(&asJSON, "json", false, "print one JSON object a line")
	fl.BoolVar(&showCode, "show-code", false,
		"with an ID: print the code, if it was run with --keep")
	return cmd
}

func showExecution(cmd *cobra.Command, s *store.Store, id string, showCode bool) error {
	e, err := s.Get(cmd.Context(), id)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if showCode {
		if e.Code == nil {
			return hint.Errorf("mcpbox code --keep keeps it",
				"execution %s: its code was not kept, its SHA-256 is %s", e.ID, e.SHA256)
		}
		_, err = out.Write(e.Code)
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n", e.Result)
	return err
}
