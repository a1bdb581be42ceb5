package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/plural"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/mcp/pin"
	"github.com/mcpbox/mcpbox/mcp/proxy"
)

func newMCPPinCmd() *cobra.Command {
	f := mcpFlags{unpinned: true}
	cmd := &cobra.Command{
		Use:     "pin --pins FILE [flags] -- SERVER [ARGS…]",
		Example: `  mcpbox mcp pin --pins pins.json -- node server.js`,
		Short:   "Approve the tools that a server has now: write their definitions to a file",
		Args:    needServer,
		RunE: func(cmd *cobra.Command, args []string) error {
			now, file, err := f.listed(cmd, args, func(string) error { return nil })
			if err != nil {
				return err
			}
			if old, err := pin.Load(file); err == nil {
				for _, line := range old.Diff(now) {
					fmt.Fprintln(cmd.OutOrStdout(), line)
				}
			}
			if err := now.Save(file); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s of %s %s approved in %s\n",
				plural.Of(len(now.Tools), "tool"), safetext.Clean(now.Server, 80),
				safetext.Clean(now.Version, 40), file)
			return nil
		},
	}
	f.register(cmd)
	return cmd
}

func newMCPDiffCmd() *cobra.Command {
	f := mcpFlags{unpinned: true}
	cmd := &cobra.Command{
		Use:     "diff --pins FILE [flags] -- SERVER [ARGS…]",
		Example: `  mcpbox mcp diff --pins pins.json -- node server.js`,
		Short: "Compare the tools that a server has now with the approved ones (exit code 1: " +
			"they differ)",
		Args: needServer,
		RunE: func(cmd *cobra.Command, args []string) error {
			var old *pin.File
			now, _, err := f.listed(cmd, args, func(file string) (err error) {
				old, err = pin.Load(file) // before the server is started for it
				return err
			})
			if err != nil {
				return err
			}
			changes := old.Diff(now)
			for _, line := range changes {
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), line); err != nil {
					return err
				}
			}
			if len(changes) > 0 {
				return exitError(1)
			}
			return nil
		},
	}
	f.register(cmd)
	return cmd
}

// listed runs the server in its sandbox to list its tools, and returns the name of the file of
// pins. The file is looked at first.
func (f *mcpFlags) listed(cmd *cobra.Command, args []string, look func(file string) error) (
	*pin.File, string, error) {
	spec, err := f.spec(cmd)
	if err != nil {
		return nil, "", err
	}
	f.asked = args
	start, err := f.prepare(cmd.Context(), spec.Policy, args)
	if err != nil {
		return nil, "", err
	}
	defer start.Close()
	f.start, args = start, start.Command
	cfg, err := f.config(cmd, spec, args)
	if err != nil {
		return nil, "", err
	}
	file := spec.Policy.MCP.Pin.File
	if file == "" {
		return nil, "", hint.Errorf("give --pins FILE, or mcp.pin.file in the policy",
			"no file for the definitions given")
	}
	if err := look(file); err != nil {
		return nil, "", err
	}
	now, err := proxy.ListTools(cmd.Context(), *cfg)
	return now, file, err
}
