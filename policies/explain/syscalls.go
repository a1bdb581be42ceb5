package explain

import (
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/policies"
)

// ability is something that people ask about, and the syscall that it needs.
type ability struct {
	what, syscall string
	groups        []string
}

func (e *explainer) syscalls(p *policies.Policy) {
	e.area("System calls")
	if p.Syscalls.Default == policies.DefaultAllow {
		e.item("all are allowed but those denied")
	} else {
		e.item("only those listed are allowed")
	}
	var can, cannot []string
	for _, a := range []ability{
		{"start other programs", "execve", []string{"@default", "@system-service"}},
		{"create child processes", "vfork", []string{"@process", "@system-service"}},
		{"use signals to other processes", "kill", []string{"@process", "@system-service"}},
		{"use System V shared memory", "shmget", []string{"@ipc", "@system-service"}},
		{"change owners of files", "chown", []string{"@chown", "@system-service"}},
		{"debug other processes", "ptrace", []string{"@debug"}},
		{"mount file systems", "mount", []string{"@mount"}},
		{"make namespaces", "unshare", []string{"@process"}},
		{"load kernel modules", "init_module", []string{"@module"}},
		{"set the clock", "clock_settime", []string{"@clock"}},
		{"use kernel keyrings", "keyctl", []string{"@keyring"}},
		{"use bpf", "bpf", nil},
		{"use io_uring", "io_uring_setup", nil}, // neither a group nor default: allow opens it
		{"use userfaultfd", "userfaultfd", nil},
	} {
		if v := p.Allows(a.syscall, a.groups...); v == policies.No ||
			a.syscall == "io_uring_setup" && !namedPlainly(p, a.syscall) {
			cannot = append(cannot, a.what)
		} else {
			can = append(can, a.what)
		}
	}
	if len(can) > 0 {
		e.item("can: %s", strings.Join(can, ", "))
	}
	if len(cannot) > 0 {
		e.item("cannot: %s", strings.Join(cannot, ", "))
	}
	e.conditions(p)
	if p.Syscalls.Violation == policies.ViolationKill {
		e.item("an attempt kills the sandbox and is reported")
	} else {
		e.item("an attempt fails with EPERM and is reported; the tool continues")
	}
}

func namedPlainly(p *policies.Policy, name string) bool {
	return slices.ContainsFunc(p.Syscalls.Allow,
		func(r policies.SyscallRule) bool {
			return slices.Contains(r.Names, name) &&
				len(r.Args) == 0
		})
}

// conditions lists what argument rules allow and refuse, by their reasons.
func (e *explainer) conditions(p *policies.Policy) {
	for _, part := range []struct {
		rules []policies.SyscallRule
		verb  string
	}{{p.Syscalls.Allow, "only for"}, {p.Syscalls.Deny, "refused"}} {
		var order []string
		reasons := map[string][]string{}
		for _, r := range part.rules {
			if len(r.Args) == 0 {
				continue
			}
			why := r.Why
			if why == "" {
				why = policies.SyscallRule{Args: r.Args}.String()
			}
			key := strings.Join(r.Names, ", ")
			if reasons[key] == nil {
				order = append(order, key)
			}
			if !slices.Contains(reasons[key], why) {
				reasons[key] = append(reasons[key], why)
			}
		}
		for len(order) > 0 {
			why := reasons[order[0]]
			alike := func(key string) bool { return slices.Equal(reasons[key], why) }
			e.condition(slices.DeleteFunc(slices.Clone(order),
				func(key string) bool { return !alike(key) }), part.verb, why)
			order = slices.DeleteFunc(order, alike)
		}
	}
}

// condition is one line, or one for each reason if there are many.
func (e *explainer) condition(calls []string, verb string, why []string) {
	if len(why) <= 2 {
		e.item("%s: %s: %s", strings.Join(calls, ", "), verb, strings.Join(why, "; "))
		return
	}
	e.item("%s: %s", strings.Join(calls, ", "), verb)
	for _, w := range why {
		e.line("      %s", w)
	}
}
