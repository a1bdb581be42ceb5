package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/doctor"
)

func newDoctorCmd() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Show what this host can enforce, and how to fix what it cannot",
		Long: "Show what this host can enforce, and how to fix what it cannot.\n\n" +
			"The exit code is 0 if the preset \"standard\" can be enforced, else 1.",
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			report := doctor.Check(cmd.Context())
			if err := printReport(cmd.OutOrStdout(), report, asJSON); err != nil {
				return err
			}
			if !report.OK {
				return exitError(1)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as one JSON object")
	return cmd
}

func printReport(w io.Writer, report doctor.Report, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(report)
	}
	for _, i := range report.Items {
		fmt.Fprintf(w, "%-4s  %-26s %s\n", i.Status, i.Name, i.Found)
		if i.Loses != "" {
			fmt.Fprintf(w, "      without it: %s\n", i.Loses)
		}
		if i.Fix != "" {
			fmt.Fprintf(w, "      fix: %s\n", i.Fix)
		}
	}
	verdict := "this host can enforce the preset standard"
	if !report.OK {
		verdict = "this host cannot enforce the preset standard"
	}
	_, err := fmt.Fprintln(w, verdict)
	return err
}
