package code

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/pool"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// Pool lets Runners use cells of a pool.Pool, and interpreters that wait in them. It knows a policy
// by its address. It is safe for concurrent use.
type Pool struct {
	pool *pool.Pool

	mu       sync.Mutex
	tiers    map[*policies.Policy]*policies.Policy // a Runner's, as the pool knows it
	named    map[string]*policies.Policy           // mcpbox's own
	programs map[string]*pool.Program
	versions map[version]string

	libraries map[string]bool // by compiler: whether it was asked for
}

// version is a program whose version has been asked for.
type version struct {
	path     string
	modified time.Time
	size     int64
}

// maxKnown bounds what a Pool remembers of policies. Beyond it, it forgets them all; the pool gives
// up what nobody uses.
const maxKnown = 256

// NewPool returns a Pool. The caller closes p.
func NewPool(p *pool.Pool) *Pool {
	c := &Pool{pool: p, named: map[string]*policies.Policy{}, programs: map[string]*pool.Program{},
		versions: map[version]string{}, libraries: map[string]bool{}}
	c.tiers = map[*policies.Policy]*policies.Policy{}
	return c
}

// Takes reports whether snippets under the policy run in cells. Others have sandboxes of their own.
func (p *Pool) Takes(policy *policies.Policy) bool {
	return p != nil && mcpruntime.CheckCells(policy) == nil
}

// Prepare starts a language's interpreter for the policy, so that the first snippet does not wait.
func (p *Pool) Prepare(ctx context.Context, policy *policies.Policy, language string) error {
	j := &job{Runner: Runner{Policy: policy, Pool: p}}
	var err error
	if j.language, err = Lookup(language); err != nil {
		return err
	}
	if j.program, err = j.find(); err != nil {
		return err
	}
	return p.pool.PrepareProgram(ctx, p.tier(policy), j.ahead())
}

// tier is the policy under which a Runner's snippets run, always the same one for the same policy.
func (p *Pool) tier(policy *policies.Policy) *policies.Policy {
	p.mu.Lock()
	defer p.mu.Unlock()
	tier := p.tiers[policy]
	if tier == nil {
		if len(p.tiers) >= maxKnown {
			clear(p.tiers)
		}
		tier = tierOf(policy)
		p.tiers[policy] = tier
	}
	return tier
}

// policy is always the same one for a name and a root.
func (p *Pool) policy(
	name, rootfs string,
	make func() (*policies.Policy, error),
) (*policies.Policy, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name += "\x00" + rootfs
	if known := p.named[name]; known != nil {
		return known, nil
	}
	made, err := make()
	if err == nil {
		p.named[name] = made
	}
	return made, err
}

// program is always the same one for a name.
func (p *Pool) program(name string, make func() *pool.Program) *pool.Program {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.programs[name]
	if known == nil {
		known = make()
		p.programs[name] = known
	}
	return known
}

// versionOf asks once for each state of a program's file.
func (p *Pool) versionOf(path string, ask func() (string, error)) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	v := version{path, st.ModTime(), st.Size()}
	p.mu.Lock()
	known, ok := p.versions[v]
	p.mu.Unlock()
	if ok {
		return known, nil
	}
	answer, err := ask()
	if err == nil {
		p.mu.Lock()
		p.versions[v] = answer
		p.mu.Unlock()
	}
	return answer, err
}

// ahead is the interpreter that waits for the job's snippet, nil if none does. What it uses before
// its call can't be kept from a limit of CPU time.
func (j *job) ahead() *pool.Program {
	start := j.language.Prestart
	if start == nil || j.Policy.Limits.CPUTime > 0 || j.Umask != nil {
		return nil
	}
	return j.Pool.program(j.language.Name+"\x00"+j.program, func() *pool.Program {
		return start.program(j.language, j.program)
	})
}

// pooled is a cell of a pool.
type pooled struct {
	pool    *Pool
	job     *job
	policy  *policies.Policy
	program *pool.Program // nil: none waits
	files   []mcpruntime.File
	snippet bool // its events are the caller's
}

// start prefers an interpreter that waits. If that can't be had, the command runs in a cell as it
// would in a sandbox, and has the errors that it would have there.
func (p *pooled) start(ctx context.Context, cmd mcpruntime.Command) (*mcpruntime.Process, error) {
	call := pool.Call{Caller: p.job.Caller, Policy: p.policy, Command: cmd,
		BestEffort: p.job.BestEffort}
	if p.snippet {
		call.Command.Call, call.Command.Origin = p.job.Call, p.job.Origin
		if p.job.Sinks != nil {
			call.Command.Sinks = p.job.Sinks()
		}
	}
	process, err := p.ahead(ctx, call)
	if process == nil && err == nil {
		call.Command.Files = p.files
		process, err = p.pool.pool.Start(ctx, call)
	}
	if err != nil {
		for _, sink := range call.Command.Sinks {
			_ = sink.Close()
		}
	}
	return process, err
}

// ahead returns nil, and no error, if no interpreter waits.
func (p *pooled) ahead(ctx context.Context, call pool.Call) (*mcpruntime.Process, error) {
	if p.program == nil {
		return nil, nil
	}
	input, ok := message(p.job.Args, p.files)
	// What is not UTF-8 is left to the interpreter's own reading of files.
	disk := int(p.policy.Limits.Disk)
	if !ok || !utf8.Valid(p.files[0].Data) || disk > 0 && len(input) > disk/4 {
		return nil, nil
	}
	call.Program, call.Input, call.Command.Env = p.program, input, nil // Env is in the program's
	process, err := p.pool.pool.Start(ctx, call)
	var busy *pool.BusyError
	if err != nil && ctx.Err() == nil && !errors.As(err, &busy) {
		return nil, nil
	}
	return process, err
}

func (p *pooled) close() {}
