package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mcpbox/mcpbox/cmd/mcpbox/daemon"
	"github.com/mcpbox/mcpbox/code"
	"github.com/mcpbox/mcpbox/code/guard"
	"github.com/mcpbox/mcpbox/doctor"
	"github.com/mcpbox/mcpbox/egress"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/steady"
	"github.com/mcpbox/mcpbox/monitor"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// codeFlags are what `mcpbox code` is told.
type codeFlags struct {
	language, tier, policy, text, stdin, out, events    string
	session                                             string
	files, allowNet, secrets                            []string
	asJSON, rules, bestEffort, quiet, resident, prepare bool
	caller                                              *caller
	store                                               recordFlags
	firstLog                                            chan monitor.Sink // opened first
}

func newCodeCmd() *cobra.Command {
	var f codeFlags
	var daemonOf daemon.Asking
	cmd := &cobra.Command{
		Use:   "code --lang LANG [flags] (-c CODE | FILE | -) [ARGS…]",
		Short: "Run a snippet of code in a sandbox, and report what it did",
		Long: `Run a snippet of code in a sandbox, as a script file is run: with its arguments, its
output and its exit code. Files that it writes to /work/out are written to --out DIR. A guard looks
at Python, JavaScript and shell first: the tier standard reports what it finds, the tier secure
refuses it (exit code 126).

Languages: ` + strings.Join(
			code.Names(),
			", ",
		),
		Example: `  mcpbox code --lang python -c 'print(sum(range(10)))'
  mcpbox code --lang python --tier secure script.py
  echo 'console.log(1 + 1)' | mcpbox code --lang node --json -
  mcpbox code --lang c --out ./results main.c
  mcpbox code --lang python --session notes -c 'x = 1'
  mcpbox code --allow-net api.example.com fetch.py`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.rules {
				return printRules(cmd.OutOrStdout(), f.asJSON)
			}
			if f.prepare {
				return f.prepareLibrary(cmd)
			}
			if f.session != "" {
				return f.inSession(cmd, &daemonOf, args)
			}
			return runCode(cmd, &f, args)
		},
	}
	fl := cmd.Flags()
	fl.SetInterspersed(false)
	fl.SortFlags = false
	fl.StringVarP(&f.language, "lang", "l", "", "the `LANGUAGE`; without it, from the file's name")
	fl.StringVarP(&f.text, "code", "c", "", "the `CODE` itself")
	fl.StringVar(
		&f.tier,
		"tier",
		"standard",
		"`standard|secure`: the policies code-standard and code-secure",
	)
	fl.StringVarP(&f.policy, "policy", "p", "", "`NAME|FILE` of a policy, in place of a tier")
	fl.StringVar(
		&f.stdin,
		"stdin",
		"",
		"give the snippet `FILE` as its standard input (- is mcpbox's own; default: empty)",
	)
	fl.StringArrayVar(
		&f.files,
		"file",
		nil,
		"give the snippet a file: `NAME=PATH` is /work/NAME (may be repeated)",
	)
	allowNetFlag(fl, &f.allowNet)
	secretFlag(fl, &f.secrets)
	fl.StringVarP(&f.out, "out", "o", "", "write the files that it leaves in /work/out to `DIR`")
	fl.StringVar(
		&f.events,
		"events",
		"",
		"append security events to `FILE`, one JSON object a line",
	)
	fl.BoolVar(
		&f.asJSON,
		"json",
		false,
		"print one JSON object with output, usage, findings, events and report, in place of the "+
			"output",
	)
	fl.BoolVar(
		&f.prepare,
		"prepare",
		false,
		"run nothing: compile the standard library of --lang go once, so that snippets take a "+
			"second",
	)
	fl.BoolVar(&f.rules, "rules", false, "list the guard's built-in rules")
	fl.BoolVar(&f.bestEffort, "best-effort", false,
		"run even if the host lacks a layer that the policy requires, and say so")
	fl.BoolVar(&f.resident, "resident", residentWanted(),
		"use a resident process with interpreters kept ready; it is started if there is none")
	f.store.register(fl)
	fl.StringVar(&f.session, "session", "", "run it in the daemon, in the session of this `NAME`: "+
		"its snippets share variables and files")
	daemonOf.Register(cmd)
	fl.BoolVarP(&f.quiet, "quiet", "q", false,
		"no findings and events on stderr; errors, and why the snippet was ended, are still said")
	return cmd
}

func runCode(cmd *cobra.Command, f *codeFlags, args []string) error {
	c := callerOf(cmd)
	f.caller, f.store.stderr = c, c.stderr
	var runner code.Runner
	var req *code.Request
	err := c.in(func() (err error) { // what is named by a path is named from the caller's folder
		if runner, err = f.runner(cmd); err != nil {
			return err
		}
		if err = c.runner(&runner); err == nil {
			req, err = f.request(cmd, args)
		}
		return err
	})
	if err != nil {
		return err
	}
	if f.resident && !c.served {
		startResident()
	}
	if !f.asJSON {
		req.Stdout, req.Stderr = c.stdout, c.stderr
	}
	req.Umask = c.umask
	ctx, forward := c.signals(cmd.Context())
	req.BeforeExec = func(p *mcpruntime.Process) {
		forward(p)
		if !f.asJSON { // where the result says it
			(&sandboxFlags{quiet: f.quiet, caller: c}).tellMissing(runner.Policy.Require,
				p.Layers(), p.Limits())
		}
	}
	res, err := runner.Run(ctx, *req)
	if err != nil {
		return err
	}
	if f.out != "" {
		// The snippet has run: its exit code stands.
		if err := c.in(func() error { return res.WriteFiles(f.out) }); err != nil {
			fmt.Fprintf(steady.File(c.stderr),
				"mcpbox: not every file could be written to %s: %v\n", f.out, err)
		}
	}
	if f.asJSON {
		if err := writeJSON(c.stdout, res); err != nil {
			return err
		}
	} else {
		f.tell(res)
	}
	f.store.record(res, req, "code")
	if res.ExitCode != 0 {
		return exitError(res.ExitCode)
	}
	return nil
}

// prepareLibrary makes what the language's compiler needs for every snippet.
func (f *codeFlags) prepareLibrary(cmd *cobra.Command) error {
	if f.language == "" {
		return hint.Errorf("mcpbox code --prepare --lang go", "the language is not known")
	}
	dir, err := code.Prepare(cmd.Context(), f.language, f.bestEffort)
	if err == nil {
		_, err = fmt.Fprintln(cmd.OutOrStdout(), dir)
	}
	return err
}

// runner takes the policy from --tier or --policy.
func (f *codeFlags) runner(cmd *cobra.Command) (code.Runner, error) {
	name := "code-" + f.tier
	if f.policy != "" {
		if cmd.Flags().Changed("tier") {
			return code.Runner{}, hint.Errorf("give one of them",
				"--tier and --policy exclude each other")
		}
		name = f.policy
	} else if f.tier != "standard" && f.tier != "secure" {
		return code.Runner{}, hint.Errorf("use standard or secure", "unknown tier %q", f.tier)
	}
	p, err := f.store.policy(name)
	if err != nil {
		return code.Runner{}, err
	}
	if len(f.allowNet) > 0 {
		if err := allowNet(p, f.allowNet); err != nil {
			return code.Runner{}, err
		}
		if err := p.Validate(); err != nil {
			return code.Runner{}, err
		}
	}
	c := f.caller
	if err := outOfReach(p, c.streams(), f.events); err != nil {
		return code.Runner{}, err
	}
	sources, err := c.sources(p, f.secrets)
	if err != nil {
		return code.Runner{}, err
	}
	if err := egress.CheckSources(p, sources); err != nil {
		return code.Runner{}, err
	}
	if f.events != "" {
		first, err := f.openLog()
		if err != nil {
			return code.Runner{}, err
		}
		f.firstLog = make(chan monitor.Sink, 1)
		f.firstLog <- first
	}
	return code.Runner{
		Policy:      p,
		BestEffort:  f.bestEffort,
		Secrets:     sources,
		Sinks:       f.sinks,
		Unavailable: doctorSays,
	}, nil
}

func (f *codeFlags) openLog() (sink monitor.Sink, err error) {
	err = f.caller.in(func() error {
		sink, err = monitor.OpenJSONL(f.events)
		return err
	})
	return sink, err
}

// sinks are for one sandbox, which owns them. A snippet may need several, one after the other.
func (f *codeFlags) sinks() (out []monitor.Sink) {
	if f.events != "" {
		var sink monitor.Sink
		var err error
		select {
		case sink = <-f.firstLog:
		default:
			sink, err = f.openLog()
		}
		if err == nil {
			out = append(out, sink)
		} else {
			fmt.Fprintf(steady.File(f.caller.stderr), "mcpbox: events are not written: %v\n", err)
		}
	}
	if !f.quiet && !f.asJSON {
		out = append(out, monitor.NewStderr(f.caller.stderr),
			&netHint{w: steady.File(f.caller.stderr)})
	}
	return out
}

// doctorSays names what the host lacks.
func doctorSays(ctx context.Context) string {
	for _, item := range doctor.Check(ctx).Items {
		if item.Status == doctor.Fail {
			return item.Name + ": " + item.Found
		}
	}
	return ""
}

func (f *codeFlags) request(cmd *cobra.Command, args []string) (*code.Request, error) {
	req := &code.Request{Language: f.language}
	switch {
	case cmd.Flags().Changed("code"):
		req.Code, req.Args = []byte(f.text), args
	case len(args) == 0:
		return nil, hint.Errorf("mcpbox code --lang python -c 'print(1)'", "no code given")
	default:
		data, err := readCode(steady.File(f.caller.stdin), args[0])
		if errors.Is(err, os.ErrNotExist) && strings.ContainsAny(args[0], " ();='\"") {
			return nil, hint.Errorf("code on the command line goes after -c: mcpbox code --lang "+
				cmp.Or(f.language, "python")+" -c CODE", "there is no file %q", args[0])
		}
		if err != nil {
			return nil, err
		}
		req.Code, req.Args = data, args[1:]
		if f.language == "" {
			req.Language = code.OfFile(args[0])
		}
	}
	if req.Language == "" {
		return nil, hint.Errorf("--lang "+strings.Join(code.Names(), "|"),
			"no language given, and the file's name does not say it")
	}
	for _, spec := range f.files {
		name, path, ok := strings.Cut(spec, "=")
		if !ok {
			return nil, hint.Errorf("--file NAME=PATH", "--file %q does not say where the file is",
				spec)
		}
		data, err := readBounded(path, 64<<20)
		if err != nil {
			return nil, err
		}
		req.Files = append(req.Files, code.File{Name: name, Data: data})
	}
	switch {
	case f.stdin == "-" && len(args) > 0 && args[0] == "-" && !cmd.Flags().Changed("code"):
		return nil, hint.Errorf("give the code as a file or with -c",
			"--stdin - and code from standard input exclude each other")
	case f.stdin == "-":
		req.Stdin = f.caller.stdin
	case f.stdin != "":
		in, err := os.Open(f.stdin)
		if err != nil {
			return nil, hint.Wrap(err, "name a file that can be read")
		}
		req.Stdin = in
	}
	return req, nil
}

func readCode(stdin io.Reader, name string) ([]byte, error) {
	if name != "-" {
		return readBounded(name, code.MaxCode)
	}
	data, err := io.ReadAll(io.LimitReader(stdin, code.MaxCode+1))
	if err == nil && len(data) > code.MaxCode {
		err = hint.Errorf("give data with --file", "the code is larger than %d KiB",
			code.MaxCode>>10)
	}
	return data, err
}

func readBounded(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, hint.Wrap(err, "name a file that can be read")
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = hint.Errorf("give a smaller one", "%s is larger than %d KiB", name, most>>10)
	}
	return data, err
}

// tell says on stderr what a person should know; the output is there already.
func (f *codeFlags) tell(res *code.Result) {
	if !f.quiet {
		for _, finding := range res.Guard.Findings {
			fmt.Fprintf(steady.File(f.caller.stderr), "mcpbox: guard: %s line %d, column %d: %s\n",
				finding.Severity, finding.Line, finding.Column, finding.Reason)
		}
		if c := res.Compile; c != nil && res.Status == code.StatusCompile {
			fmt.Fprint(steady.File(f.caller.stderr), c.Stdout, c.Stderr)
		}
	}
	if res.Reason != "" {
		fmt.Fprintf(steady.File(f.caller.stderr), "mcpbox: %s\n", res.Reason)
	}
	if res.Hint != "" {
		fmt.Fprintf(steady.File(f.caller.stderr), "mcpbox: hint: %s\n", res.Hint)
	}
	if res.FilesCut > 0 {
		fmt.Fprintf(
			steady.File(f.caller.stderr),
			"mcpbox: %d entries of /work/out did not come back: too many, too large, or no "+
				"regular files\n",
			res.FilesCut,
		)
	}
	if f.out == "" && len(res.Files) > 0 && !f.quiet {
		fmt.Fprintf(steady.File(f.caller.stderr),
			"mcpbox: %d files in /work/out: --out DIR writes them\n", len(res.Files))
	}
	tellLost(steady.File(f.caller.stderr), res.EventStats)
	tellCause(steady.File(f.caller.stderr), &res.Result)
}

func printRules(w io.Writer, asJSON bool) error {
	rules := guard.Rules()
	if asJSON {
		return writeJSON(w, rules)
	}
	for _, r := range rules {
		if _, err := fmt.Fprintf(w, "%-7s %-40s %s\n", r.Severity, r.Rule, r.Why); err != nil {
			return err
		}
	}
	return nil
}
