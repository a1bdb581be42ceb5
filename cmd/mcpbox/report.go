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
		Short: "Assess a run: risk, reasons, what to do",
		Long: `Assess a run from a file that mcpbox run --result FILE or --events FILE wrote, or an execution of
mcpbox code by its ID (mcpbox history lists them). A result also tells which layers were enforced; an event log does not.`,
		Args: oneFile("mcpbox report result.json"),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := readRun(cmd, args[0], path)
			if err != nil {
				return err
			}
			view, err := viewOf(cmd, args[0], data)
			if err != nil {
				return err
			}
			var looked struct { // the result of mcpbox code
				Guard *guard.Report `json:"guard"`
			}
			_ = json.Unmarshal(data, &looked)
			report := code.Judge(view, looked.Guard)
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), report)
			}
			return report.WriteText(cmd.OutOrStdout())
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
		return nil, storeErr
	}
	return e.Result, nil
}

// viewOf takes a result, which is one JSON object with a status, or a log of events.
func viewOf(cmd *cobra.Command, name string, data []byte) (report.View, error) {
	var probe struct {
		Status *string `json:"status"`
	}
	if json.Unmarshal(data, &probe) == nil && probe.Status != nil {
		var view report.View
		if err := json.Unmarshal(data, &view); err != nil {
			return view, hint.Errorf("give it a file that --result wrote", "%s: not a result: %v", name, err)
		}
		return view, nil
	}
	events, bad, err := monitor.ReadEvents(bytes.NewReader(data))
	if err != nil {
		return report.View{}, err
	}
	if len(events) == 0 && bad > 0 {
		return report.View{}, hint.Errorf("give it a file that --result or --events wrote", "%s: neither a result nor an event log", name)
	}
	warnBad(cmd, name, bad)
	fmt.Fprintf(cmd.ErrOrStderr(), "mcpbox: %s is an event log: it does not say which layers were enforced\n", name)
	return report.ViewOf(events), nil
}

func warnBad(cmd *cobra.Command, name string, bad int) {
	if bad > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "mcpbox: %s: skipped %s without an event\n", name, plural.Of(bad, "line"))
	}
}

func oneFile(example string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 1 {
			return nil
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
		return nil, hint.Wrap(err, "name a file that --result or --events wrote, or - for standard input")
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
