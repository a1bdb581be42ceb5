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
	client, policy string
	servers        []string
	dry            bool
	inside         *surroundings // nil when unwrapping
}

func (f *wrapFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.client, "client", "",
		"`NAME|FILE`: claude-desktop, claude-code, cursor, vscode or a file (default: every "+
			"client found)")
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
under mcpbox mcp. Comments and formatting stay as they are. A backup is written beside the
file. Servers that are wrapped already stay as they are, and so do servers that can't work
in the sandbox: remote ones, and those that docker or podman starts. Restart the client
afterwards. mcpbox unwrap undoes it.`,
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
			o, err := f.options(args)
			if err != nil {
				return err
			}
			return f.each(cmd, func(path string) (*clientconfig.Change,
				error) {
				return clientconfig.WrapFile(path, o, f.dry)
			})
		},
	}
	f.register(cmd)
	cmd.Flags().StringVarP(&f.policy, "policy", "p", "standard",
		"`NAME|FILE`: the policy for the servers")
	return cmd
}

func newUnwrapCmd() *cobra.Command {
	var f wrapFlags
	cmd := &cobra.Command{
		Use:   "unwrap",
		Short: "Remove mcpbox from an MCP client's configuration",
		Long: `Undoes what mcpbox wrap did. Servers that were not edited since become what
they were, byte for byte. Later edits are kept.`,
		Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			name, full := binary()
			o := clientconfig.Options{Binary: name, Path: full, Servers: f.servers}
			return f.each(cmd, func(path string) (*clientconfig.Change,
				error) {
				return clientconfig.UnwrapFile(path, o, f.dry)
			})
		},
	}
	f.register(cmd)
	return cmd
}

// options checks the flags that the servers will be started with: otherwise a mistake shows only in
// the client.
func (f *wrapFlags) options(extra []string) (clientconfig.Options, error) {
	name, full := binary()
	o := clientconfig.Options{Binary: name, Path: full, Servers: f.servers}
	p, err := policies.Resolve(f.policy)
	if err != nil {
		return o, err
	}
	policy := f.policy
	if !slices.Contains(policies.Named(), policy) {
		full, err := filepath.Abs(policy) // the client starts its servers wherever it likes
		if err != nil {
			return o, err
		}
		policy = full
	}
	var given mcpFlags
	proxy := &cobra.Command{Use: "mcp"}
	(&cobra.Command{Use: "mcpbox"}).AddCommand(proxy) // for the name that a hint gives it
	given.register(proxy)
	if err := proxy.ParseFlags(extra); err != nil {
		return o, flagError(proxy, err)
	}
	if proxy.Flags().NArg() > 0 || slices.Contains(extra, "--") {
		return o, hint.Errorf("only flags of mcpbox mcp go after --; the command is the client's",
			"wrap: %q is not a flag", proxy.Flags().Args())
	}
	mounts, err := given.givenMounts(proxy.Flags().Changed("workspace"))
	if err != nil {
		return o, err
	}
	inside := around(p, mounts, &given.sandboxFlags)
	f.inside, o.Leave = &inside, inside.leave
	o.Flags = append([]string{"--policy", policy}, extra...)
	return o, nil
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
func (f *wrapFlags) each(cmd *cobra.Command, do func(string) (*clientconfig.Change, error)) error {
	files, err := f.files()
	if err != nil {
		return err
	}
	failed := false
	for _, path := range files {
		change, err := do(path)
		switch {
		case err != nil && len(files) == 1:
			return err
		case err != nil:
			failed = true
			printProblems(cmd.ErrOrStderr(), err)
			continue
		}
		if _, err := io.WriteString(cmd.OutOrStdout(), f.report(change)); err != nil {
			return err
		}
	}
	if failed {
		return exitError(exitFailure)
	}
	return nil
}

func (f *wrapFlags) report(c *clientconfig.Change) string {
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
		if s.Action == clientconfig.Wrapped && f.inside != nil {
			for _, note := range f.inside.notes(s.Before) {
				fmt.Fprintf(&b, "    note: %s\n", safetext.Clean(note, 400))
			}
		}
	}
	switch {
	case !c.Changed():
		b.WriteString("  nothing to change\n")
	case f.dry:
		b.WriteString("  not changed: this was a dry run\n")
	case c.Backup != "":
		fmt.Fprintf(&b, "  backup: %s\n", safetext.Clean(c.Backup, 0))
	}
	return b.String()
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
