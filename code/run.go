package code

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/code/guard"
	"github.com/mcpbox/mcpbox/egress/secret"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// MaxCode bounds a snippet.
const MaxCode = 1 << 20

// DefaultOutput is how much of stdout, and of stderr, a result keeps.
const DefaultOutput = 128 << 10

// Runner runs snippets under one policy. The zero value of everything but Policy works.
type Runner struct {
	Policy     *policies.Policy
	BestEffort bool
	Sinks      func() []monitor.Sink // for one snippet, whose sandbox owns them

	// Secrets says where the values of the policy's secrets come from; see runtime.Spec. A policy
	// with secrets runs in a sandbox of its own.
	Secrets map[string]secret.Source

	Pool   *Pool                 // if not nil, and it takes the policy: run in cells
	Caller string                // of the pool's: whose turn it is
	Call   func() *monitor.Call  // see runtime.Command; in cells only
	Origin func() monitor.Origin // the same

	// Unavailable adds to the reason why the host can't sandbox, such as doctor's findings.
	Unavailable func(context.Context) string
}

// Request is one snippet.
type Request struct {
	Language       string
	Code           []byte
	Args           []string
	Stdin          io.Reader // nil: empty
	Stdout, Stderr io.Writer // get the output as it comes, beside the result
	Files          []File
	Umask          *uint32 // nil: the caller's; in cells only

	// Session names a session of the Runner's Caller: its snippets share a cell, with its files and
	// processes, and the state of the interpreter. The first one opens it. It needs a Pool that
	// takes the policy, a language that has sessions, and a guard that does not refuse.
	Session    string
	MaxOutput  int                       // bytes kept of stdout and of stderr; 0: DefaultOutput
	Progress   func(stage string)        // "guard", "compile", "run"
	BeforeExec func(*mcpruntime.Process) // of the snippet's own process
}

// File is given to the snippet as /work/NAME.
type File struct {
	Name string
	Data []byte
}

// job is one request on its way.
type job struct {
	Runner
	Request
	language *Language
	program  string
	began    time.Time
	res      *Result
}

// Run runs one snippet. An error is a mistake of the caller's; that nothing could run is a result.
func (r Runner) Run(ctx context.Context, req Request) (*Result, error) {
	j := &job{Runner: r, Request: req, began: time.Now()}
	if err := j.check(); err != nil {
		return nil, err
	}
	if j.Progress == nil {
		j.Progress = func(string) {}
	}
	if err := j.work(ctx); err != nil {
		return nil, err
	}
	j.res.Times.Total = mcpruntime.Seconds(time.Since(j.began))
	j.res.Report = Judge(view(&j.res.Result), j.res.Guard)
	return j.res, nil
}

func (j *job) check() (err error) {
	if j.Policy == nil {
		return hint.Errorf(`policies.Preset("code-standard") is one`, "code: no policy")
	}
	if j.Policy.Isolation == policies.IsolationNone {
		return hint.Errorf("use --tier standard or secure",
			"policy %s has no sandbox: code never runs bare", j.Policy.Name)
	}
	if j.language, err = Lookup(j.Language); err != nil {
		return err
	}
	if len(j.Code) > MaxCode {
		return hint.Errorf("give data with --file", "the code is larger than %d KiB", MaxCode>>10)
	}
	if err := j.checkSession(); err != nil {
		return err
	}
	seen := map[string]bool{j.language.File: true, "out": true, "main": true}
	for _, f := range j.Files {
		first, _, _ := strings.Cut(f.Name, "/")
		if f.Name == "" || path.IsAbs(f.Name) || path.Clean(f.Name) != f.Name || first == ".." ||
			!plainName(path.Base(f.Name)) {
			return hint.Errorf("give a name such as data.csv or data/a.csv",
				"file name %q is not a plain path below /work", f.Name)
		}
		if seen[f.Name] || seen[first] {
			return hint.Errorf("choose another name", "file name %q is taken", f.Name)
		}
		seen[f.Name] = true
	}
	sum := sha256.Sum256(j.Code)
	j.res = &Result{
		Language:   j.language.Name,
		CodeSHA256: hex.EncodeToString(sum[:]),
		Files:      []OutFile{},
		Available:  true,
	}
	j.setup(mcpruntime.StatusSetup, exitFailure)
	return nil
}

// setup fills the part of a run that has not come about.
func (j *job) setup(status mcpruntime.Status, exitCode int) {
	spec, cmd := mcpruntime.Spec{Policy: j.Policy}, mcpruntime.Command{}
	j.res.Result = *mcpruntime.SetupResult(spec, cmd, errNothingRan, exitCode)
	j.res.Err, j.res.Error, j.res.Status, j.res.Command = nil, "", status, []string{}
	j.res.ExecutionID = newID()
}

// pools: it runs in cells.
func (j *job) pools() bool { return j.Pool.Takes(j.Policy) }

// work does the steps. Where one says that nothing can run, the result says so.
func (j *job) work(ctx context.Context) error {
	if err := j.policyFits(); err != nil {
		j.unavailable(err, exitFailure)
		return nil
	}
	var err error
	if j.program, err = j.find(); err != nil {
		j.unavailable(err, exitNotFound)
		return nil
	}
	if err := j.versionFits(ctx); err != nil {
		j.unavailable(err, exitNotFound)
		return ctx.Err()
	}
	if j.language.Compile != nil {
		return j.compiled(ctx)
	}
	if j.Session != "" {
		return j.inSession(ctx)
	}
	return j.interpreted(ctx)
}

// unavailable: nothing ran, and nothing would.
func (j *job) unavailable(err error, exitCode int) {
	j.setup(mcpruntime.StatusSetup, exitCode)
	j.res.Available, j.res.Reason, j.res.Hint = false, err.Error(), hint.Of(err)
	j.res.Error = err.Error()
	if j.res.Guard == nil {
		j.res.Guard = &guard.Report{
			Mode:     string(j.Policy.Guard.Mode),
			Why:      "nothing could run",
			Findings: []guard.Finding{},
		}
	}
}

// policyFits says what of a language a policy can't do.
func (j *job) policyFits() error {
	if need, has := j.language.Memory, j.Policy.Limits.Memory; need > 0 && has > 0 && has < need {
		return hint.Errorf("use --tier standard",
			"%s needs %s of memory to start, policy %s allows %s", j.language.Name, need,
			j.Policy.Name, has)
	}
	return nil
}

// find looks for the program where the sandbox will see it.
func (j *job) find() (string, error) {
	for _, name := range j.language.Programs {
		candidates := []string{name}
		if !path.IsAbs(name) {
			candidates = []string{"/usr/local/bin/" + name, "/usr/bin/" + name}
		}
		for _, c := range candidates {
			if st, err := os.Stat(
				j.Policy.Filesystem.Rootfs + c); err == nil && st.Mode().IsRegular() &&
				st.Mode()&0o111 != 0 {
				return c, nil
			}
		}
	}
	where := "/usr/bin and /usr/local/bin"
	if j.Policy.Filesystem.Rootfs != "" {
		where += " of " + j.Policy.Filesystem.Rootfs
	}
	return "", hint.Errorf("apt-get install "+j.language.Package, "%s is not there: no %s in %s",
		j.language.Name, strings.Join(j.language.Programs, " or "), where)
}

// versionFits asks the program, in a sandbox, where the language needs a version.
func (j *job) versionFits(ctx context.Context) error {
	if j.language.Version == 0 {
		return nil
	}
	ask := func() (string, error) {
		limits := policies.Limits{Memory: 256 << 20, Timeout: policies.Duration(5 * time.Second)}
		out, err := j.helper(ctx, "strict", limits, []string{j.program, "--version"}, nil)
		return string(out), err
	}
	answer, err := "", error(nil)
	if j.pools() {
		answer, err = j.Pool.versionOf(j.Policy.Filesystem.Rootfs+j.program, ask)
	} else {
		answer, err = ask()
	}
	version := strings.TrimLeft(strings.TrimSpace(answer), "v")
	major, _, _ := strings.Cut(version, ".")
	n, convErr := strconv.Atoi(major)
	switch {
	case err != nil:
		return err
	case convErr != nil || n < j.language.Version:
		return hint.Errorf("install "+j.language.Package, "%s needs %s %d or later, %s is %q",
			j.language.Name, path.Base(j.program), j.language.Version, j.program, version)
	}
	return nil
}

// newID names an execution that has no sandbox to name it.
func newID() string { return strings.ToLower(rand.Text()[:16]) }
