package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/mcpbox/mcpbox/internal/datadir"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/plural"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/mcp/clientconfig"
	"github.com/mcpbox/mcpbox/mcp/needs"
	"github.com/mcpbox/mcpbox/mcp/trial"
	"github.com/mcpbox/mcpbox/policies"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// How long a server may take to list its tools. A package is installed first.
const (
	trialTime   = time.Minute
	installTime = 5 * time.Minute
)

// standardPolicy is the policy if none is given.
const standardPolicy = "standard"

// wrapping is `mcpbox wrap` at work.
type wrapping struct {
	*wrapFlags
	o      clientconfig.Options
	inside surroundings // of every server
	self   string       // mcpbox's own path
	host   needs.Host   // of the file that is being rewritten
	found  map[string]needs.Needs
}

// file rewrites one file. It shows what it will write first.
func (w *wrapping) file(cmd *cobra.Command, path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	state, _ := datadir.Path("homes") // without one, servers keep nothing there
	w.host = needs.Host{Home: w.dirs.Home, Project: clientconfig.Project(abs, w.dirs),
		Path: os.Getenv("PATH"), State: state, Shown: w.inside.shows, Getenv: os.Getenv,
		Work: w.inside.work}
	w.found = map[string]needs.Needs{}
	o := w.o
	o.Decide = w.decide
	o.Check = func(r clientconfig.Request, after []string) (string, []string) {
		return w.check(cmd, r, after)
	}
	change, err := clientconfig.WrapFile(path, o, w.dry, func(c *clientconfig.Change) error {
		_, err := io.WriteString(cmd.OutOrStdout(), reportServers(c))
		if err == nil && c.Changed() {
			err = w.confirm(cmd)
		}
		return err
	})
	if errors.Is(err, errNotConfirmed) {
		_, err = io.WriteString(cmd.OutOrStdout(), "  not changed\n")
		return err
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(cmd.OutOrStdout(), w.ending(change))
	return err
}

var errNotConfirmed = errors.New("not confirmed")

// confirm asks whoever sits at a terminal.
func (w *wrapping) confirm(cmd *cobra.Command) error {
	if w.yes || w.dry || !term.IsTerminal(int(os.Stdin.Fd())) ||
		!term.IsTerminal(int(os.Stdout.Fd())) {
		return nil
	}
	fmt.Fprint(cmd.OutOrStdout(), "  write this? [y/N] ")
	answer, _ := bufio.NewReader(os.Stdin).ReadString('\n')
	if a := strings.ToLower(strings.TrimSpace(answer)); a == "y" || a == "yes" {
		return nil
	}
	return errNotConfirmed
}

// decide finds the flags that one server needs.
func (w *wrapping) decide(r clientconfig.Request) (d clientconfig.Decision) {
	if d.Leave = w.inside.leave(r.Command); d.Leave != "" || w.inside.bare {
		return d
	}
	n := needs.Of(needs.Server{Name: r.Name, Command: r.Command, Env: r.Env, Dir: r.Dir}, w.host)
	w.found[r.Section+"\x00"+r.Name] = n
	for _, m := range n.Mounts {
		flag, how := m.Source, "read-only"
		if strings.Contains(flag, ":") && !strings.HasPrefix(flag, "${") {
			d.Leave = "the path " + m.Source + " has a colon: name it in a policy file, with " +
				"filesystem.mounts"
			return d
		}
		if m.Write {
			flag, how = flag+":rw", "writable"
		}
		d.Flags = append(d.Flags, "--mount", flag)
		d.Notes = append(d.Notes, fmt.Sprintf("mount: %s, %s: %s", m.Source, how, m.Why))
	}
	if n.Policy != "" && w.policy == standardPolicy {
		d.Flags = append(d.Flags, "--policy", n.Policy)
	}
	if n.Dir != "" {
		d.Flags = append(d.Flags, "--dir", n.Dir)
	}
	if n.Home != "" {
		d.Flags = append(d.Flags, "--home", n.Home)
	}
	for _, kv := range n.Env {
		d.Flags = append(d.Flags, "--env", kv)
	}
	for _, note := range append(n.Notes, w.inside.notes()...) {
		d.Notes = append(d.Notes, "note: "+note)
	}
	return d
}

// check starts a server as the client will, and asks it for its tools.
func (w *wrapping) check(cmd *cobra.Command, r clientconfig.Request, after []string) (leave string,
	notes []string) {
	if w.noCheck {
		return "", nil
	}
	n := w.found[r.Section+"\x00"+r.Name]
	if asked := append(slices.Clone(n.Asked), r.Asked...); len(asked) > 0 {
		return "", []string{"not checked: only the client knows " + strings.Join(asked, ", ")}
	}
	limit := trialTime
	if installs(r.Command) {
		limit = installTime
		if w.dry {
			return "", []string{"not checked: its package would be installed first"}
		}
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "mcpbox: starting %s once, to try it\n",
		safetext.Clean(r.Name, 100))
	ctx, cancel := context.WithTimeout(cmd.Context(), limit)
	defer cancel()
	server, err := trial.Start(ctx, w.command(r, n, after))
	if err != nil {
		leave = "it does not start in the sandbox: " + err.Error()
		h := hint.Of(err)
		if h == "" {
			h = w.missing(err, n)
		}
		if h != "" {
			leave += " (hint: " + h + ")"
		}
		if len(n.Notes) > 0 {
			leave += "; " + strings.Join(n.Notes, "; ")
		}
		return leave, nil
	}
	checked := "checked: it started and has " + plural.Of(len(server.Tools), "tool")
	if len(server.Tools) == 0 {
		checked = "checked: it started and offers no tools"
	}
	notes = []string{checked}
	for _, remark := range server.Remarks {
		notes = append(notes, "note: "+remark)
	}
	return "", notes
}

// namedPath finds paths in what a server has written.
var namedPath = regexp.MustCompile(`/[\w.@+-]+(?:/[\w.@+-]+)+`)

// missing is the hint for a server whose last words name a file that only the host has.
func (w *wrapping) missing(err error, n needs.Needs) string {
	var failed *trial.Failure
	if !errors.As(err, &failed) {
		return ""
	}
	policy, err := policies.Resolve(w.policy)
	if err != nil {
		return ""
	}
	plan, err := mcpruntime.NewPlan(mcpruntime.Spec{Policy: policy, BestEffort: true})
	if err != nil {
		return ""
	}
	for _, path := range namedPath.FindAllString(failed.Stderr, -1) {
		path = filepath.Clean(path)
		if slices.ContainsFunc(n.Mounts, func(m needs.Mount) bool {
			return path == m.Source || strings.HasPrefix(path, m.Source+"/")
		}) || w.inside.shows(path) || needs.Protected(path, w.dirs.Home) != "" {
			continue
		}
		h := plan.OnlyOnHost(mcpruntime.Command{Args: []string{"server", path}}, "/")
		if h != "" {
			return strings.Replace(h, ": --mount", ": mcpbox wrap … -- --mount", 1)
		}
	}
	return ""
}

// command is what the client starts: with its variables, in its folder.
func (w *wrapping) command(r clientconfig.Request, n needs.Needs, after []string) *exec.Cmd {
	var args []string
	for _, word := range after[1:] {
		full, _ := w.host.Expand(word)
		args = append(args, full)
	}
	out := exec.Command(w.self, args...)
	out.Env = os.Environ()
	for _, name := range slices.Sorted(maps.Keys(r.Env)) {
		value, _ := w.host.Expand(r.Env[name])
		out.Env = append(out.Env, name+"="+value)
	}
	out.Dir, _ = w.host.Expand(r.Dir)
	for _, dir := range []string{w.host.Project, w.dirs.Home} {
		if _, err := os.Stat(out.Dir); err != nil || out.Dir == "" {
			out.Dir = dir
		}
	}
	return out
}
