package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/packages/admission"
	"github.com/mcpbox/mcpbox/packages/osv"
)

const (
	osvURL     = "https://osv-vulnerabilities.storage.googleapis.com"
	maxArchive = 2 << 30
)

func newAuditDBCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "db",
		Short: "Update the database of known-malicious and vulnerable versions",
		Args:  unknownCommand,
		RunE: func(*cobra.Command, []string) error {
			return hint.Errorf("see mcpbox audit db --help", "audit db: name one of update, import")
		},
	}
	var from string
	var timeout time.Duration
	update := &cobra.Command{
		Use:   "update",
		Short: "Download what OSV knows of packages of npm and PyPI, and import it",
		Args:  arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), timeout)
			defer cancel()
			dir, err := os.MkdirTemp("", "mcpbox-osv-")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			var files []string
			for _, ecosystem := range []string{"npm", "PyPI"} {
				file := filepath.Join(dir, ecosystem+".zip")
				if err := download(ctx, from+"/"+ecosystem+"/all.zip", file); err != nil {
					return hint.Errorf("download the file elsewhere; mcpbox audit db import FILE",
						"audit db: %w", err)
				}
				files = append(files, file)
			}
			return importKnown(cmd.OutOrStdout(), files)
		},
	}
	update.Flags().StringVar(&from, "from", osvURL, "download from `URL`/npm/all.zip")
	update.Flags().DurationVar(&timeout, "timeout", 10*time.Minute, "give up after this time")
	cmd.AddCommand(update, &cobra.Command{
		Use:   "import FILE…",
		Short: "Import zip files of OSV (one per ecosystem), or single records (.json)",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return importKnown(cmd.OutOrStdout(), args)
		},
	})
	return cmd
}

func importKnown(w io.Writer, files []string) error {
	desk, err := admission.Open()
	if err != nil {
		return err
	}
	n, err := osv.Import(desk.Packages.Known(), files...)
	if err != nil {
		return hint.Errorf("OSV publishes one zip file per ecosystem: "+osvURL+"/npm/all.zip",
			"audit db: %w", err)
	}
	fmt.Fprintf(w, "%d entries in the database\n", n)
	return nil
}

func download(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(resp.Body, maxArchive))
	if n == maxArchive {
		err = fmt.Errorf("%s: larger than 2 GiB", url)
	}
	return cmp.Or(err, f.Close())
}
