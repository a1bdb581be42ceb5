package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/mcp/clientconfig"
	"github.com/mcpbox/mcpbox/policies"
)

// wrapFlags are those of wrap and unwrap.
type wrapFlags struct {
	client, policy    string
	servers           []string
	dry, noCheck, yes bool
	dirs              clientconfig.Dirs
}

func (f *wrapFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.client, "client", "",
		"`NAME|FILE`: "+strings.Join(clientconfig.Clients(), ", ")+", or a file (default: "+
			"every client found)")
	fl.StringArrayVar(&f.servers, "server", nil,
		"change only the server called `NAME` (may be repeated)")
	fl.BoolVar(&f.dry, "dry-run", false, "show the change without making it")
}

func newWrapCmd() *cobra.Command {
	var f wrapFlags
	cmd := &cobra.Command{
		Use:   "wrap [flags] [-- FLAGS OF mcpbox mcp]",
		Short: "Make an MCP client start its servers under mcpbox",
		Long: `Rewrites an MCP client's configuration so that the client starts its servers
under mcpbox mcp. Comments and formatting stay as they are.

Each server gets what its entry names, at the same path: its program with the package or
environment around it, and the folders and files in its arguments, its variables and its
working folder. They are read-only unless the server is known to write there. Sockets, keys,
credentials and your home folder are never mounted, only named.

Then each server is started once in its sandbox and asked for its tools; --no-check skips
this. A server that can't start there is left as it is. So are remote servers, and servers
that docker or podman starts. A package that npx runs is installed first.

A backup is written next to the file. Restart the client afterwards. mcpbox unwrap restores
the file.`,
		Example: `  mcpbox wrap --client cursor --dry-run
  mcpbox wrap --client claude-desktop --policy strict --server notes
  mcpbox wrap --client .vscode/mcp.json -- --workspace . --audit /var/log/calls.jsonl`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && cmd.ArgsLenAtDash() != 0 {
				return hint.Errorf("name the file with --client; flags of mcpbox mcp go after --",
					"wrap: unexpected argument %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := f.options(args)
			if err != nil {
				return err
			}
			return f.each(cmd, func(path string) error { return w.file(cmd, path) })
		},
	}
	f.register(cmd)
	cmd.Flags().StringVarP(&f.policy, "policy", "p", standardPolicy,
		"`NAME|FILE`: the policy for the servers")
	cmd.Flags().BoolVar(&f.noCheck, "no-check", false, "do not start the servers to try them")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask, on a terminal, before writing")
	return cmd
}

func newUnwrapCmd() *cobra.Command {
	var f wrapFlags
	cmd := &cobra.Command{
		Use:   "unwrap",
		Short: "Remove mcpbox from an MCP client's configuration",
		Long: `Undoes what mcpbox wrap did. A server that was not edited since gets its old
entry back, byte for byte. Later edits are kept.`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			name, full := binary()
			o := clientconfig.Options{Binary: name, Path: full, Servers: f.servers}
			return f.each(cmd, func(path string) error {
				change, err := clientconfig.UnwrapFile(path, o, f.dry)
				if err != nil {
					return err
				}
				out := reportServers(change) + f.ending(change)
				_, err = io.WriteString(cmd.OutOrStdout(), out)
				return err
			})
		},
	}
	f.register(cmd)
	return cmd
}

// options checks the flags that the servers will be started with: otherwise a mistake shows only in
// the client.
func (f *wrapFlags) options(extra []string) (*wrapping, error) {
	name, full := binary()
	w := &wrapping{wrapFlags: f, self: full}
	w.o = clientconfig.Options{Binary: name, Path: full, Servers: f.servers}
	p, err := policies.Resolve(f.policy)
	if err != nil {
		return nil, err
	}
	policy := f.policy
	if !slices.Contains(policies.BuiltinNames(), policy) {
		full, err := filepath.Abs(policy) // the client starts its servers wherever it likes
		if err != nil {
			return nil, err
		}
		policy = full
	}
	var given mcpFlags
	proxy := &cobra.Command{Use: "mcp"}
	(&cobra.Command{Use: "mcpbox"}).AddCommand(proxy) // for the name that a hint gives it
	given.register(proxy)
	if err := proxy.ParseFlags(extra); err != nil {
		return nil, flagError(proxy, err)
	}
	if proxy.Flags().NArg() > 0 || slices.Contains(extra, "--") {
		return nil, hint.Errorf("only flags of mcpbox mcp go after --; the command is the client's",
			"wrap: %q is not a flag", proxy.Flags().Args())
	}
	mounts, err := given.givenMounts(proxy.Flags().Changed("workspace"))
	if err != nil {
		return nil, err
	}
	w.inside = around(p, mounts, &given.sandboxFlags)
	w.o.Flags = append([]string{"--policy", policy}, extra...)
	return w, nil
}

// binary is how a client starts this mcpbox. The bare name is used only if mcpbox is in a folder
// that is in every PATH: a client that a desktop starts does not have the shell's PATH. A symbolic
// link is kept, so that an upgrade behind it works. full is the path in any case.
func binary() (name, full string) {
	self, err := os.Executable()
	if err != nil {
		return "mcpbox", ""
	}
	found, err := exec.LookPath("mcpbox")
	if err != nil {
		return self, self
	}
	a, errA := os.Stat(found)
	b, errB := os.Stat(self)
	if errA != nil || errB != nil || !os.SameFile(a, b) {
		return self, self
	}
	switch filepath.Dir(found) {
	case "/usr/bin", "/usr/local/bin":
		return "mcpbox", found
	}
	return found, found
}

func (f *wrapFlags) files() ([]string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, hint.Errorf("give the file itself: --client FILE", "client config: %w", err)
	}
	work, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	d := clientconfig.Dirs{Home: home, Config: os.Getenv("XDG_CONFIG_HOME"), Work: work}
	if !filepath.IsAbs(d.Config) {
		d.Config = filepath.Join(home, ".config")
	}
	f.dirs = d
	if f.client != "" {
		return clientconfig.Find(f.client, d)
	}
	var out []string
	for _, client := range clientconfig.Clients() {
		if found, err := clientconfig.Find(client, d); err == nil {
			out = append(out, found...)
		}
	}
	if len(out) == 0 {
		return nil, hint.Errorf("name a file with --client FILE",
			"no configuration with servers found for %s",
			strings.Join(clientconfig.Clients(), ", "))
	}
	return out, nil
}

// each changes every file. A failure does not stop the others.
func (f *wrapFlags) each(cmd *cobra.Command, do func(string) error) error {
	files, err := f.files()
	if err != nil {
		return err
	}
	failed := false
	for _, path := range files {
		err := do(path)
		if err != nil && len(files) == 1 {
			return err
		}
		if err != nil {
			failed = true
			printProblems(cmd.ErrOrStderr(), err)
		}
	}
	if failed {
		return exitError(exitFailure)
	}
	return nil
}

// reportServers says what becomes of each server of a file.
func reportServers(c *clientconfig.Change) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", safetext.Clean(c.Path, 0))
	for _, s := range c.Servers {
		line := safetext.Clean(s.Name, 100) + ": " + string(s.Action)
		if s.Why != "" {
			line += ": " + safetext.Clean(s.Why, 400)
		}
		fmt.Fprintf(&b, "  %s\n", line)
		if s.Action != clientconfig.Left {
			fmt.Fprintf(&b, "    - %s\n    + %s\n", shellLine(s.Before), shellLine(s.After))
		}
		for _, note := range s.Notes {
			fmt.Fprintf(&b, "    %s\n", safetext.Clean(note, 400))
		}
	}
	return b.String()
}

// ending says what became of the file.
func (f *wrapFlags) ending(c *clientconfig.Change) string {
	switch {
	case !c.Changed():
		return "  nothing to change\n"
	case f.dry:
		return "  not changed: this was a dry run\n"
	case c.Backup != "":
		return "  backup: " + safetext.Clean(c.Backup, 0) + "\n"
	}
	return ""
}

// shellLine is a command line to read; words that are not plain are quoted.
func shellLine(words []string) string {
	var out []string
	for _, w := range words {
		if w == "" || strings.ContainsFunc(w, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
				strings.ContainsRune("-_./:@%+=,~", r))
		}) {
			w = strconv.Quote(w)
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}
