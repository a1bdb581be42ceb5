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
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

var errNothingRan = errors.New("nothing ran")

// interpreted makes the snippet's sandbox while the guard looks.
func (j *job) interpreted(ctx context.Context) error {
	main := mcpruntime.File{Path: "/work/" + j.language.File, Data: j.Code}
	started := j.start(ctx, main)
	if err := j.look(ctx); err != nil {
		closeBox(started())
		return err
	}
	if j.res.Guard.Refused {
		closeBox(started())
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
	switch {
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
	j.res.Hint = "take out what the findings name, or run it under --tier standard, which only reports them"
}

// start makes the sandbox in the background; the function returned waits for it.
func (j *job) start(ctx context.Context, main mcpruntime.File) func() (*mcpruntime.Sandbox, error) {
	p := *j.Policy
	if !slices.Contains(p.Filesystem.Folders, outFolder) {
		p.Filesystem.Folders = append(slices.Clone(p.Filesystem.Folders), outFolder)
	}
	if p.Limits.Timeout == 0 {
		p.Limits.Timeout = p.Code.Timeout
	}
	spec := mcpruntime.Spec{Policy: &p, BestEffort: j.BestEffort, Files: []mcpruntime.File{main}}
	for _, f := range j.Files {
		spec.Files = append(spec.Files, mcpruntime.File{Path: "/work/" + f.Name, Data: f.Data})
	}
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
	return sync.OnceValues(func() (*mcpruntime.Sandbox, error) { <-done; return box, err })
}

func closeBox(box *mcpruntime.Sandbox, err error) {
	if err == nil {
		_ = box.Close()
	}
}

// run runs the snippet in its sandbox, and reads what it left before the sandbox goes.
func (j *job) run(ctx context.Context, box *mcpruntime.Sandbox, with map[string]string) error {
	defer box.Close()
	j.Progress("run")
	limit := j.MaxOutput
	if limit <= 0 {
		limit = DefaultOutput
	}
	stdout, stderr := newCapture(limit), newCapture(limit)
	out := &collector{limits: snippetFiles}
	defer out.close()
	p, err := box.Start(ctx, mcpruntime.Command{
		Args: append(command(j.language.Run, with), j.Args...), Env: j.language.Env, Stdin: j.Stdin,
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
	out.collect()
	j.res.Result = *res
	j.res.Stdout, j.res.StdoutBytes = stdout.text()
	j.res.Stderr, j.res.StderrBytes = stderr.text()
	if out.files != nil {
		j.res.Files = out.files
	}
	j.res.FilesCut = out.cut
	return nil
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
			return j.helper(ctx, guardLimits, []string{j.program, "-I", "-S", "-c", text}, stdin)
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
	Timeout: policies.Duration(
		10 * time.Second,
	),
	CPUTime: policies.Duration(5 * time.Second),
	Output:  4 << 20,
}

// helper runs a program of mcpbox's own under maximum's filter. It executes no code of the
// snippet's.
func (j *job) helper(
	ctx context.Context,
	limits policies.Limits,
	args []string,
	stdin []byte,
) ([]byte, error) {
	p, err := policies.Preset("maximum")
	if err != nil {
		return nil, err
	}
	// The filter and rlimits hold without cgroup v2 and Landlock; those are taken where the host
	// has them.
	p.Require = slices.DeleteFunc(
		p.Require,
		func(l policies.Layer) bool { return l == policies.LayerCgroupLimits || l == policies.LayerLandlock },
	)
	p.Limits, p.Filesystem.Rootfs = limits, j.Policy.Filesystem.Rootfs
	if args[len(args)-1] == "--version" { // an interpreter with threads
		if p, err = policies.Preset("strict"); err != nil {
			return nil, err
		}
		p.Require = slices.DeleteFunc(
			p.Require,
			func(l policies.Layer) bool { return l == policies.LayerCgroupLimits },
		)
		p.Limits, p.Filesystem.Rootfs = limits, j.Policy.Filesystem.Rootfs
	}
	var out bytes.Buffer
	res, err := mcpruntime.Run(
		ctx,
		mcpruntime.Spec{Policy: p, BestEffort: j.BestEffort},
		mcpruntime.Command{Args: args, Stdin: bytes.NewReader(stdin), Stdout: &out},
	)
	if err != nil {
		return nil, err
	}
	if !res.Success {
		return nil, fmt.Errorf("the parser ended with %s", res.Status)
	}
	return out.Bytes(), nil
}

// compile runs the compiler in a sandbox with a compiler's limits, and returns the program that it
// made; nil if it made none.
func (j *job) compile(ctx context.Context) ([]byte, error) {
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
		Timeout: policies.Duration(
			90 * time.Second,
		),
		CPUTime: policies.Duration(120 * time.Second),
		Output:  8 << 20,
	}
	p.Filesystem.Rootfs = j.Policy.Filesystem.Rootfs
	main := "/work/" + j.language.File
	spec := mcpruntime.Spec{
		Policy:     p,
		BestEffort: j.BestEffort,
		Files:      []mcpruntime.File{{Path: main, Data: j.Code}},
	}
	for _, f := range j.Files { // headers, packages
		spec.Files = append(spec.Files, mcpruntime.File{Path: "/work/" + f.Name, Data: f.Data})
	}
	box, err := mcpruntime.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	defer box.Close()
	stdout, stderr := newCapture(DefaultOutput), newCapture(DefaultOutput)
	out := &collector{limits: limits{files: 1, file: 64 << 20, all: 64 << 20}}
	defer out.close()
	process, err := box.Start(
		ctx,
		mcpruntime.Command{
			Args: command(
				j.language.Compile,
				map[string]string{program: j.program, file: main, binary: outFolder + "/main"},
			),
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
	j.res.Events, j.res.Limits, j.res.Layers, j.res.EventStats = events, limits, layers, res.EventStats
	j.res.Stdout, j.res.Stderr = step.Stdout, step.Stderr
	j.res.StdoutBytes, j.res.StderrBytes = int64(len(step.Stdout)), int64(len(step.Stderr))
	j.res.Reason = "the code did not compile"
	if res.Status != mcpruntime.StatusFailed {
		j.res.Reason = "the compiler ended with " + string(res.Status)
	}
}
