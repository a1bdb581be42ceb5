package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/code"
	"github.com/mcpbox/mcpbox/code/guard"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/plural"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/report"
)

// maxInput bounds what `report` reads.
const maxInput = 256 << 20

func newReportCmd() *cobra.Command {
	var asJSON bool
	var path string
	cmd := &cobra.Command{
		Use:   "report FILE|-|ID",
		Short: "Summarise results, event logs and logs of tool calls",
		Long: `Summarises a file that mcpbox wrote:
--result FILE  the command, how it ended, time, memory, limits, the risk, and what to do
--events FILE  the risk and what to do, for each run in the log
--audit FILE   for each tool: calls, refusals, durations, events
With an ID, it summarises an execution of mcpbox code: mcpbox history lists them. Only a
result says which layers were enforced.`,
		Args: oneFile("mcpbox report result.json"),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := readRun(cmd, args[0], path)
			if err != nil {
				return err
			}
			calls, ok, err := report.ReadCalls(bytes.NewReader(data))
			if err != nil {
				return err
			}
			if ok {
				return showCalls(cmd, args[0], calls, asJSON)
			}
			views, err := viewsOf(cmd, args[0], data)
			if err != nil {
				return err
			}
			return showRuns(cmd, views, data, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	storeFlag(cmd.Flags(), &path)
	return cmd
}

// readRun reads a file, or what the store has of an execution.
func readRun(cmd *cobra.Command, name, path string) ([]byte, error) {
	data, err := readInput(cmd, name)
	if !errors.Is(err, os.ErrNotExist) || strings.ContainsAny(name, "./") {
		return data, err
	}
	s, storeErr := openStore(path)
	if storeErr != nil {
		return nil, err
	}
	defer s.Close()
	e, storeErr := s.Get(cmd.Context(), name)
	if storeErr != nil {
		return nil, hint.Errorf("name a file that --result, --events or --audit wrote; `mcpbox "+
			"history` lists executions", "there is neither a file nor an execution %q", name)
	}
	return e.Result, nil
}

// showCalls shows a log of calls.
func showCalls(cmd *cobra.Command, name string, c *report.Calls, asJSON bool) error {
	warnBad(cmd, name, c.Skipped)
	if asJSON {
		return writeJSON(cmd.OutOrStdout(), c)
	}
	return c.WriteText(cmd.OutOrStdout(), columns(cmd.OutOrStdout()))
}

// showRuns shows a report for each run. As JSON, one is an object and several are a list.
func showRuns(cmd *cobra.Command, views []report.View, data []byte, asJSON bool) error {
	var looked struct { // the result of mcpbox code
		Guard *guard.Report `json:"guard"`
	}
	_ = json.Unmarshal(data, &looked)
	out := cmd.OutOrStdout()
	var reports []report.Report
	for i, view := range views {
		r := code.Judge(view, looked.Guard)
		reports = append(reports, r)
		if asJSON {
			continue
		}
		if i > 0 {
			if _, err := fmt.Fprintln(out); err != nil {
				return err
			}
		}
		if err := r.WriteText(coloured(out)); err != nil {
			return err
		}
	}
	switch {
	case !asJSON:
		return nil
	case len(reports) == 1:
		return writeJSON(out, reports[0])
	}
	return writeJSON(out, reports)
}

// viewsOf takes a result, which is one JSON object with a status, or a log of events.
func viewsOf(cmd *cobra.Command, name string, data []byte) ([]report.View, error) {
	var probe struct {
		Status *string `json:"status"`
	}
	if json.Unmarshal(data, &probe) == nil && probe.Status != nil {
		var view report.View
		if err := json.Unmarshal(data, &view); err != nil {
			return nil, hint.Errorf("give it a file that --result wrote",
				"%s: not a result: %v", name, err)
		}
		return []report.View{view}, nil
	}
	events, bad, err := monitor.ReadEvents(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if len(events) == 0 && bad > 0 {
		return nil, hint.Errorf("give it a file that --result, --events or --audit wrote",
			"%s: neither a result nor a log of events or calls", name)
	}
	warnBad(cmd, name, bad)
	fmt.Fprintf(cmd.ErrOrStderr(),
		"mcpbox: %s is an event log: it does not say which layers were enforced\n", name)
	if views := report.ViewsOf(events); len(views) > 0 {
		return views, nil
	}
	return []report.View{report.ViewOf(nil)}, nil
}

func warnBad(cmd *cobra.Command, name string, bad int) {
	if bad > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "mcpbox: %s: skipped %s without an event\n", name,
			plural.Of(bad, "line"))
	}
}

func oneFile(example string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
		}
		if len(args) == 0 {
			return hint.Errorf("for example: "+example, "no file given")
		}
		return hint.Errorf("for example: "+example, "give one file, not %d", len(args))
	}
}

func openInput(cmd *cobra.Command, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(cmd.InOrStdin()), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, hint.Wrap(err,
			"name a file that --result, --events or --audit wrote, or - for standard input")
	}
	return f, nil
}

func readInput(cmd *cobra.Command, name string) ([]byte, error) {
	in, err := openInput(cmd, name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, err
	}
	if len(data) > maxInput {
		return nil, hint.Errorf("split it", "%s is larger than %d MiB", name, maxInput>>20)
	}
	return data, nil
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
