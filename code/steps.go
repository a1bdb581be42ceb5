package code

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/code/guard"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/pool"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

var errNothingRan = errors.New("nothing ran")

// interpreted makes the snippet's sandbox while the guard looks.
func (j *job) interpreted(ctx context.Context) error {
	main := mcpruntime.File{Path: "/work/" + j.language.File, Data: j.Code}
	started := j.start(ctx, main)
	if err := j.look(ctx); err != nil {
		closePlace(started())
		return err
	}
	if j.res.Guard.Refused {
		closePlace(started())
		j.refuse()
		return nil
	}
	box, err := started()
	if err != nil {
		return j.failed(ctx, err)
	}
	return j.run(ctx, box, map[string]string{program: j.program, file: main.Path})
}

// compiled compiles in a sandbox of its own, and takes only the program over.
func (j *job) compiled(ctx context.Context) error {
	if err := j.look(ctx); err != nil {
		return err
	}
	if j.res.Guard.Refused {
		j.refuse()
		return nil
	}
	j.Progress("compile")
	made, err := j.compile(ctx)
	if err != nil {
		return j.failed(ctx, err)
	}
	if made == nil {
		return ctx.Err()
	}
	box, err := j.start(ctx, mcpruntime.File{Path: "/work/main", Data: made, Mode: 0o755})()
	if err != nil {
		return j.failed(ctx, err)
	}
	return j.run(ctx, box, map[string]string{binary: "/work/main"})
}

// failed: the sandbox did not come about.
func (j *job) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var busy *pool.BusyError
	switch {
	case errors.As(err, &busy), errors.Is(err, pool.ErrClosed):
		return err
	case errors.Is(err, mcpruntime.ErrNotFound):
		j.unavailable(err, exitNotFound)
		return nil
	case errors.Is(err, mcpruntime.ErrNotExecutable):
		j.unavailable(err, exitRefused)
		return nil
	}
	j.unavailable(err, exitFailure)
	if j.Unavailable != nil {
		if why := j.Unavailable(ctx); why != "" {
			j.res.Reason += "; " + why
		}
	}
	return nil
}

func (j *job) refuse() {
	j.setup(StatusRefused, exitRefused)
	var rules []string
	for _, f := range j.res.Guard.Findings {
		if !slices.Contains(rules, f.Rule) && len(rules) < 5 {
			rules = append(rules, f.Rule)
		}
	}
	j.res.Reason = "the guard refused the code, nothing ran: " + strings.Join(rules, ", ")
	j.res.Hint = "take out what the findings name, or run it under --tier standard, which only " +
		"reports them"
}

// place is where a snippet or a compiler runs: a sandbox, or a cell of a pool.
type place interface {
	start(ctx context.Context, cmd mcpruntime.Command) (*mcpruntime.Process, error)
	close()
}

// sandboxed is a sandbox of its own.
type sandboxed struct{ *mcpruntime.Sandbox }

func (s sandboxed) start(ctx context.Context, c mcpruntime.Command) (*mcpruntime.Process, error) {
	return s.Start(ctx, c)
}

func (s sandboxed) close() { _ = s.Close() }

// tierOf is the policy with what every snippet has.
func tierOf(policy *policies.Policy) *policies.Policy {
	p := *policy
	if !slices.Contains(p.Filesystem.Folders, outFolder) {
		p.Filesystem.Folders = append(slices.Clone(p.Filesystem.Folders), outFolder)
	}
	if p.Limits.Timeout == 0 {
		p.Limits.Timeout = p.Code.Timeout
	}
	return &p
}

// given are the caller's files.
func (j *job) given(main mcpruntime.File) []mcpruntime.File {
	files := []mcpruntime.File{main}
	for _, f := range j.Files {
		files = append(files, mcpruntime.File{Path: "/work/" + f.Name, Data: f.Data})
	}
	return files
}

// start makes the sandbox in the background; the function returned waits for it. In a pool there is
// nothing to make.
func (j *job) start(ctx context.Context, main mcpruntime.File) func() (place, error) {
	if j.pools() {
		p := &pooled{pool: j.Pool, job: j, policy: j.Pool.tier(j.Policy), files: j.given(main),
			snippet: true}
		if j.language.Compile == nil {
			p.program = j.ahead()
		}
		return func() (place, error) { return p, nil }
	}
	spec := mcpruntime.Spec{Policy: tierOf(j.Policy), BestEffort: j.BestEffort,
		Files: j.given(main), Secrets: j.Secrets}
	if j.Sinks != nil {
		spec.Sinks = j.Sinks()
	}
	var box *mcpruntime.Sandbox
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		box, err = mcpruntime.Start(ctx, spec)
	}()
	return sync.OnceValues(func() (place, error) {
		<-done
		if err != nil {
			return nil, err
		}
		return sandboxed{box}, nil
	})
}

func closePlace(p place, err error) {
	if err == nil {
		p.close()
	}
}

// run runs the snippet in its sandbox, and reads what it left before the sandbox goes.
func (j *job) run(ctx context.Context, box place, with map[string]string) error {
	defer box.close()
	j.Progress("run")
	stdout, stderr := j.captures()
	out := &collector{limits: snippetFiles}
	defer out.close()
	p, err := box.start(ctx, mcpruntime.Command{
		Args: append(command(j.language.Run, with), j.Args...), Env: j.language.Env, Stdin: j.Stdin,
		Umask: j.Umask, Origin: j.Origin,
		Stdout: tee(stdout, j.Stdout), Stderr: tee(stderr, j.Stderr),
		BeforeExec: func(p *mcpruntime.Process) {
			out.open(p)
			if j.BeforeExec != nil {
				j.BeforeExec(p)
			}
		},
	})
	if err != nil {
		return j.failed(ctx, err)
	}
	out.open(p) // where it could not be before
	res, err := p.Wait()
	if err != nil {
		return j.failed(ctx, err)
	}
	j.ended(res, out, stdout, stderr)
	return nil
}

// captures keep a snippet's output.
func (j *job) captures() (stdout, stderr *capture) {
	limit := j.MaxOutput
	if limit <= 0 {
		limit = DefaultOutput
	}
	return newCapture(limit), newCapture(limit)
}

// ended fills in what came of a run.
func (j *job) ended(res *mcpruntime.Result, out *collector, stdout, stderr *capture) {
	out.collect()
	j.res.Result = *res
	j.res.Stdout, j.res.StdoutBytes = stdout.text()
	j.res.Stderr, j.res.StderrBytes = stderr.text()
	if out.files != nil {
		j.res.Files = out.files
	}
	j.res.FilesCut = out.cut
}

func tee(c *capture, w io.Writer) io.Writer {
	if w == nil {
		return c
	}
	return io.MultiWriter(c, w)
}

// look asks the guard.
func (j *job) look(ctx context.Context) error {
	j.Progress("guard")
	began := time.Now()
	g := guard.Guard{
		Rules: j.Policy.Guard,
		Python: func(ctx context.Context, text string, stdin []byte) ([]byte, error) {
			args := []string{j.program, "-I", "-S", "-c", text}
			return j.helper(ctx, "maximum", guardLimits, args, stdin)
		},
	}
	var err error
	j.res.Guard, err = g.Check(ctx, j.language.Guard, j.Code)
	j.res.Times.Guard = mcpruntime.Seconds(time.Since(began))
	return err
}

// guardLimits bound the parser: its input is hostile.
var guardLimits = policies.Limits{
	Memory:    256 << 20,
	CPUs:      1,
	PIDs:      16,
	Disk:      1 << 20,
	FileSize:  1 << 20,
	OpenFiles: 64,
	Timeout:   policies.Duration(10 * time.Second),
	CPUTime:   policies.Duration(5 * time.Second),
	Output:    4 << 20,
}

// helper runs a program of mcpbox's own under a preset's filter. It executes no code of the
// snippet's. A Python program waits for its input in a pool: with one more argument it says so.
func (j *job) helper(
	ctx context.Context,
	preset string,
	limits policies.Limits,
	args []string,
	stdin []byte,
) ([]byte, error) {
	p, err := j.policy(preset, func() (*policies.Policy, error) {
		p, err := policies.Preset(preset)
		if err != nil {
			return nil, err
		}
		// The filter and rlimits hold without cgroup v2 and Landlock; those are taken where the
		// host has them.
		p.Require = slices.DeleteFunc(p.Require, func(l policies.Layer) bool {
			return l == policies.LayerCgroupLimits || l == policies.LayerLandlock
		})
		p.Limits, p.Filesystem.Rootfs = limits, j.Policy.Filesystem.Rootfs
		return p, nil
	})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd := mcpruntime.Command{Args: args, Stdin: bytes.NewReader(stdin), Stdout: &out}
	var res *mcpruntime.Result
	switch {
	case j.pools():
		call := pool.Call{Caller: j.Caller, Policy: p, Command: cmd,
			BestEffort: j.BestEffort}
		if preset == "maximum" {
			call.Program = j.Pool.program("guard\x00"+j.program, func() *pool.Program {
				return &pool.Program{Args: append(slices.Clone(args), "ready"), Ready: ready}
			})
		}
		res, err = j.Pool.pool.Run(ctx, call)
	default:
		spec := mcpruntime.Spec{Policy: p, BestEffort: j.BestEffort}
		res, err = mcpruntime.Run(ctx, spec, cmd)
	}
	if err != nil {
		return nil, err
	}
	if !res.Success {
		return nil, fmt.Errorf("the parser ended with %s", res.Status)
	}
	return out.Bytes(), nil
}

// policy is one of mcpbox's own. A pool knows policies by their address.
func (j *job) policy(name string, make func() (*policies.Policy, error)) (*policies.Policy, error) {
	if j.pools() {
		return j.Pool.policy(name, j.Policy.Filesystem.Rootfs, make)
	}
	return make()
}

// compilerPolicy has a compiler's limits.
func compilerPolicy(rootfs string) (*policies.Policy, error) {
	p, err := policies.Preset("code-standard")
	if err != nil {
		return nil, err
	}
	p.Limits = policies.Limits{
		Memory:    1536 << 20,
		PIDs:      256,
		Disk:      512 << 20,
		FileSize:  256 << 20,
		OpenFiles: 1024,
		Timeout:   policies.Duration(90 * time.Second),
		CPUTime:   policies.Duration(120 * time.Second),
		Output:    8 << 20,
	}
	p.Filesystem.Rootfs = rootfs
	return p, nil
}

// compiler is where the compiler runs.
func (j *job) compiler(ctx context.Context, main mcpruntime.File, dir string) (place, error) {
	p, err := j.policy("compiler\x00"+dir, func() (*policies.Policy, error) {
		p, err := compilerPolicy(j.Policy.Filesystem.Rootfs)
		if err != nil {
			return nil, err
		}
		return j.withLibrary(p, dir), nil
	})
	if err != nil {
		return nil, err
	}
	if j.pools() {
		return &pooled{pool: j.Pool, job: j, policy: p, files: j.given(main)}, nil
	}
	spec := mcpruntime.Spec{Policy: p, BestEffort: j.BestEffort, Files: j.given(main)}
	box, err := mcpruntime.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	return sandboxed{box}, nil
}

// compile runs the compiler in a sandbox with a compiler's limits, and returns the program that it
// made; nil if it made none.
func (j *job) compile(ctx context.Context) ([]byte, error) {
	main := "/work/" + j.language.File
	dir := j.libraryOf()
	if dir == "" && j.pools() {
		j.Pool.wantLibrary(j)
	}
	with := map[string]string{program: j.program, file: main, binary: outFolder + "/main",
		library: libraryFolder}
	words := j.language.Compile
	if dir != "" {
		words = append(slices.Clone(j.language.Library.Use), words...)
	}
	// With headers, packages.
	box, err := j.compiler(ctx, mcpruntime.File{Path: main, Data: j.Code}, dir)
	if err != nil {
		return nil, err
	}
	defer box.close()
	stdout, stderr := newCapture(DefaultOutput), newCapture(DefaultOutput)
	out := &collector{limits: limits{files: 1, file: 64 << 20, all: 64 << 20}}
	defer out.close()
	process, err := box.start(
		ctx,
		mcpruntime.Command{
			Args:       command(words, with),
			Env:        j.language.Env,
			Stdout:     stdout,
			Stderr:     stderr,
			BeforeExec: out.open,
		},
	)
	if err != nil {
		return nil, err
	}
	out.open(process)
	res, err := process.Wait()
	if err != nil {
		return nil, err
	}
	out.collect()
	step := &Step{ExitCode: res.ExitCode, Status: res.Status, Time: res.ExecutionTime}
	step.Stdout, _ = stdout.text()
	step.Stderr, _ = stderr.text()
	j.res.Compile = step
	if res.Success && len(out.files) == 1 && out.files[0].Name == "main" {
		return out.files[0].Data, nil
	}
	j.notCompiled(res, step)
	return nil, nil
}

func (j *job) notCompiled(res *mcpruntime.Result, step *Step) {
	events, limits, layers := res.Events, maps.Clone(res.Limits), maps.Clone(res.Layers)
	j.setup(StatusCompile, max(res.ExitCode, 1))
	j.res.Events, j.res.Limits, j.res.Layers, j.res.EventStats = events, limits, layers,
		res.EventStats
	j.res.Stdout, j.res.Stderr = step.Stdout, step.Stderr
	j.res.StdoutBytes, j.res.StderrBytes = int64(len(step.Stdout)), int64(len(step.Stderr))
	j.res.Reason = "the code did not compile"
	if res.Status != mcpruntime.StatusFailed {
		j.res.Reason = "the compiler ended with " + string(res.Status)
	}
}
