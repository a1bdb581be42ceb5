package admission

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/mcp/launch"
	"github.com/mcpbox/mcpbox/mcp/pin"
	"github.com/mcpbox/mcpbox/mcp/proxy"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/packages"
	"github.com/mcpbox/mcpbox/packages/audit"
	"github.com/mcpbox/mcpbox/packages/runner"
	"github.com/mcpbox/mcpbox/policies"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// trialTime is how long a server may take to list its tools.
const trialTime = 20 * time.Second

// try starts a package once, without a network and a workspace, lists its tools and reads what they
// say. It adds what it found to the package. A server that needs more than that does not list any,
// which is no fault.
func try(ctx context.Context, p *packages.Package, r *runner.Request, bestEffort bool) {
	p.Tried = true
	tried := &watcher{}
	tools, err := list(ctx, p, r, bestEffort, tried)
	p.Findings = append(p.Findings, tried.findings()...)
	if err != nil {
		p.Findings = append(p.Findings, audit.Finding{ID: "trial", Severity: audit.Info,
			What: "it listed no tools in a trial start without a network, a workspace and " +
				"variables",
			Evidence: safetext.Clean(err.Error(), 200)})
		return
	}
	p.Tools = map[string]string{}
	texts := map[string]string{}
	if tools.Instructions != nil {
		texts["instructions"] = *tools.Instructions
	}
	for name, t := range tools.Tools {
		p.Tools[safetext.Clean(name, 80)] = t.Digest
		var all []string
		collect(t.Definition, &all)
		texts["tool "+safetext.Clean(name, 80)] = strings.Join(all, "\n")
	}
	for _, where := range slices.Sorted(maps.Keys(texts)) {
		p.Findings = append(p.Findings, audit.Text(where, texts[where])...)
	}
}

func list(ctx context.Context, p *packages.Package, r *runner.Request, bestEffort bool,
	tried *watcher) (*pin.File, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, trialTime, fmt.Errorf("it took longer than %s",
		trialTime))
	defer cancel()
	policy, err := policies.Resolve("standard")
	if err != nil {
		return nil, err
	}
	command, mounts, err := p.Command(r)
	if err != nil {
		return nil, err
	}
	policy.Name = "trial"
	policy.Filesystem.Mounts = mounts
	policy.Limits.Timeout = policies.Duration(trialTime)
	said := &tail{}
	launcher := &launch.Launcher{
		Spec: func() (mcpruntime.Spec, error) {
			return mcpruntime.Spec{Policy: policy, BestEffort: bestEffort,
				Sinks: []monitor.Sink{tried}}, nil
		},
		Command: mcpruntime.Command{Args: command, Stderr: said},
	}
	tools, err := proxy.ListTools(ctx, proxy.Config{Launch: launcher.Launch, Server: p.Name,
		Policy: policy.Name, Command: command, Warn: func(string, ...any) {}})
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if line := said.line(); err != nil && line != "" {
		err = fmt.Errorf("%s", line)
	}
	return tools, err
}

// collect takes all texts of a definition, names included.
func collect(value any, into *[]string) {
	switch v := value.(type) {
	case string:
		*into = append(*into, v)
	case []any:
		for _, one := range v {
			collect(one, into)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			*into = append(*into, name)
			collect(v[name], into)
		}
	}
}

// watcher keeps what a server tried and the sandbox refused.
type watcher struct {
	mu    sync.Mutex
	kinds []string
}

func (w *watcher) Emit(e monitor.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	what := string(e.Type)
	if e.Syscall != nil {
		what = e.Syscall.Name + " " + strings.Join(e.Syscall.Paths, " ")
	} else if e.Reason != "" {
		what = e.Reason
	}
	what = string(e.Severity) + ": " + safetext.Clean(strings.TrimSpace(what), 120)
	if len(w.kinds) < 20 && !slices.Contains(w.kinds, what) {
		w.kinds = append(w.kinds, what)
	}
	return nil
}

func (w *watcher) Close() error { return nil }

func (w *watcher) findings() (out []audit.Finding) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, what := range w.kinds {
		s := audit.Info
		if strings.HasPrefix(what, string(monitor.High)) ||
			strings.HasPrefix(what, string(monitor.Critical)) {
			s = audit.High
		}
		out = append(out, audit.Finding{ID: "tried", Severity: s,
			What: "the sandbox refused something in a trial start", Evidence: what})
	}
	return out
}

// tail keeps the end of what a server says on stderr.
type tail struct {
	mu   sync.Mutex
	data []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	if len(t.data) > 8<<10 {
		t.data = append([]byte(nil), t.data[len(t.data)-4<<10:]...)
	}
	return len(p), nil
}

// line is the line that most likely says why it ended.
func (t *tail) line() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.data)), "\n")
	for _, line := range lines {
		if strings.Contains(line, "rror") || strings.Contains(line, "equired") ||
			strings.Contains(line, "sage:") {
			return safetext.Clean(strings.TrimSpace(line), 200)
		}
	}
	return safetext.Clean(strings.TrimSpace(lines[len(lines)-1]), 200)
}
