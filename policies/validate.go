package policies

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/nearest"
	"github.com/mcpbox/mcpbox/policies/internal/yaml"
)

// Validate checks a policy that was made or changed in Go, such as by command-line flags. Load and
// Parse call it themselves.
func (p *Policy) Validate() error { return asError(check(p, nil)) }

// What a small static program needs: memory for itself and for the kernel's data about it; the
// three standard descriptors and those that a loader opens.
const (
	minMemory    Size  = 1 << 20
	minOpenFiles int64 = 8
)

// checker collects problems at field paths. The index maps these paths to positions in the file.
type checker struct {
	index    map[string]yaml.Position
	problems []Problem
}

func check(p *Policy, index map[string]yaml.Position) []Problem {
	c := &checker{index: index}
	if p.Version != 1 {
		c.fail("version", "this mcpbox knows version 1", "unknown policy version %d", p.Version)
	}
	if !printable(p.Name) || p.Name == "" {
		c.fail("name", "use letters, digits and dashes", "name %q is not printable text", p.Name)
	}
	c.enum("isolation", string(p.Isolation), string(IsolationSandbox), string(IsolationNone))
	c.filesystem(&p.Filesystem)
	c.syscalls(p)
	c.limits(&p.Limits, "limits")
	c.notNegative("code.timeout", int64(p.Code.Timeout))
	c.network(p)
	c.secrets(p)
	c.environment(&p.Environment)
	c.guard(&p.Guard)
	c.packages(&p.Packages)
	c.mcp(&p.MCP)
	c.rules(p.Rules)
	slices.SortStableFunc(c.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column), cmp.Compare(a.Message, b.Message))
	})
	return c.problems
}

func (c *checker) fail(path, remedy, format string, args ...any) {
	at, ok := c.index[path]
	for parent := path; !ok && parent != ""; {
		parent = parent[:max(strings.LastIndexAny(parent, ".["), 0)]
		at, ok = c.index[parent]
	}
	c.problems = append(c.problems, problemAt(at, remedy, format, args...))
}

// enum checks values that were set in Go. The decoder already refuses unknown values of a file.
func (c *checker) enum(path, value string, known ...string) {
	if value != "" && !slices.Contains(known, value) {
		c.fail(path, nearest.Hint(value, known), "%s: unknown value %q", path, value)
	}
}

func (c *checker) notNegative(path string, n int64) {
	if n < 0 {
		c.fail(path, "0 means no limit", "%s must not be negative", path)
	}
}

func (c *checker) limits(l *Limits, path string) {
	for _, q := range []struct {
		key string
		n   int64
	}{
		{"memory", int64(l.Memory)}, {"pids", l.PIDs}, {"timeout", int64(l.Timeout)}, {"cpu_time",
			int64(l.CPUTime)},
		{"disk", int64(l.Disk)}, {"file_size", int64(l.FileSize)}, {"open_files",
			l.OpenFiles}, {"output", int64(l.Output)},
	} {
		c.notNegative(path+"."+q.key, q.n)
	}
	if l.Memory > 0 && l.Memory < minMemory {
		c.fail(path+".memory", "allow at least "+minMemory.String(), "%s.memory %s is less than "+
			"a process needs to start", path, l.Memory)
	}
	if l.OpenFiles > 0 && l.OpenFiles < minOpenFiles {
		c.fail(path+".open_files", fmt.Sprintf("allow at least %d", minOpenFiles),
			"%s.open_files %d is less than a process needs to start", path, l.OpenFiles)
	}
	if l.CPUs < 0 || math.IsNaN(l.CPUs) || l.CPUs > 8192 {
		c.fail(path+".cpus", "0.5 is half a core; 0 means no limit", "%s.cpus must be between 0 "+
			"and 8192, not %v", path, l.CPUs)
	} else if l.CPUs > 0 && l.CPUs < 0.01 {
		c.fail(path+".cpus", "the kernel's smallest share is 0.01", "%s.cpus %v is too small", path,
			l.CPUs)
	}
	if l.IOWeight != 0 && (l.IOWeight < 1 || l.IOWeight > 10000) {
		c.fail(path+".io_weight", "100 is the kernel's default", "%s.io_weight must be between 1 "+
			"and 10000, not %d", path, l.IOWeight)
	}
	for i, io := range l.IO {
		at := fmt.Sprintf("%s.io[%d]", path, i)
		if io.Device == "" || !printable(io.Device) {
			c.fail(at+".device", "name a block device or a file on it", "%s needs a device", at)
		}
		for key, n := range map[string]int64{"read_bps": int64(io.ReadBPS),
			"write_bps": int64(io.WriteBPS), "read_iops": io.ReadIOPS, "write_iops": io.WriteIOPS} {
			c.notNegative(at+"."+key, n)
		}
	}
}

func (c *checker) environment(e *Environment) {
	const remedy = "use letters, digits and _"
	for i, name := range e.Pass {
		if !variableName(name) {
			c.fail(fmt.Sprintf("environment.pass[%d]", i), remedy, "%q is not the name of an "+
				"environment variable", name)
		}
	}
	for _, name := range sortedKeys(e.Set) {
		if !variableName(name) {
			c.fail("environment.set."+name, remedy, "%q is not the name of an environment "+
				"variable", name)
		}
		if strings.ContainsRune(e.Set[name], 0) {
			c.fail("environment.set."+name, "", "the value of %s contains a zero byte", name)
		}
	}
}

func variableName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

func (c *checker) rules(rules []Rule) {
	seen := map[string]bool{}
	for i, r := range rules {
		at := fmt.Sprintf("rules[%d]", i)
		if r.ID == "" || !printable(r.ID) {
			c.fail(at+".id", "give it a short name", "%s needs an id", at)
		} else if seen[r.ID] {
			c.fail(at+".id", `choose another, or replace the inherited list with "!rules"`,
				"two rules have the id %q", r.ID)
		}
		seen[r.ID] = true
		if strings.TrimSpace(r.When) == "" {
			c.fail(at+".when", `such as: type == "escape_attempt"`, "rule %q needs a condition "+
				"(when)", r.ID)
		}
		c.enum(at+".severity", r.Severity, "low", "medium", "high", "critical")
		c.enum(at+".action", r.Action, "alert", "kill", "destroy", "quarantine")
		c.window(at, r)
	}
}

// window checks how often and how long a rule's condition must hold.
func (c *checker) window(at string, r Rule) {
	const mostEvents = 10_000
	switch {
	case r.Count < 0 || r.Count > mostEvents:
		c.fail(at+".count", "give a number from 1 to 10000", "rule %q: count %d", r.ID, r.Count)
	case r.Within < 0:
		c.fail(at+".within", "such as 10s", "rule %q: within is below zero", r.ID)
	case r.For < 0:
		c.fail(at+".for", "such as 5s", "rule %q: for is below zero", r.ID)
	case (r.Count > 1) != (r.Within > 0):
		c.fail(at+".count", "{count: 3, within: 10s}", "rule %q: count and within belong together",
			r.ID)
	case r.For > 0 && r.Count > 1:
		c.fail(at+".for", "for is about usage, count about events",
			"rule %q: for and count exclude each other", r.ID)
	}
	for i, text := range r.Except {
		if strings.TrimSpace(text) == "" {
			c.fail(fmt.Sprintf("%s.except[%d]", at, i), `such as: comm == "node"`,
				"rule %q: an exception is empty", r.ID)
		}
	}
}
