package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/cmd/mcpbox/daemon"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/server/api"
)

// inSession runs a snippet in a session of the daemon, whose policies apply.
func (f *codeFlags) inSession(cmd *cobra.Command, a *daemon.Asking, args []string) error {
	for _, name := range []string{"allow-net", "secret", "events", "best-effort", "resident",
		"out"} {
		if cmd.Flags().Changed(name) {
			return hint.Errorf("leave it out: the daemon's config and policies say it",
				"--%s and --session exclude each other", name)
		}
	}
	c := callerOf(cmd)
	f.caller = c
	var out api.ExecutionRequest
	err := c.in(func() error {
		req, err := f.request(cmd, args)
		if err != nil {
			return err
		}
		out = api.ExecutionRequest{Language: req.Language, Code: string(req.Code), Args: req.Args,
			Session: f.session, Policy: f.policy}
		if out.Policy == "" {
			out.Tier = f.tier
		}
		for _, file := range req.Files {
			out.Files = append(out.Files, api.File{Path: file.Name, Data: file.Data})
		}
		if req.Stdin != nil {
			out.StdinData, err = io.ReadAll(req.Stdin)
		}
		return err
	})
	if err != nil {
		return err
	}
	return a.RunCode(cmd.Context(), out, f.asJSON, c.stdout, c.stderr)
}
