package seccomp

import (
	"fmt"
	"sync"

	"golang.org/x/net/bpf"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/nearest"
	"github.com/mcpbox/mcpbox/policies"
)

// Filter is a compiled policy.
type Filter struct {
	program []byte
	table   table
	exec    bool

	vmOnce sync.Once
	vm     *bpf.VM
	vmErr  error
}

// Program is the array of struct sock_filter (8 bytes each, native byte order)
// to install with SECCOMP_SET_MODE_FILTER and SECCOMP_FILTER_FLAG_NEW_LISTENER.
func (f *Filter) Program() []byte { return f.program }

// AllowsExec reports whether the tool may execute other programs. If not, the supervisor has to
// allow the first execve, which starts the tool (Call.First).
func (f *Filter) AllowsExec() bool { return f.exec }

// AllowsKeys reports whether a tool may use the kernel's key service, in some way. keyrings(7)
func AllowsKeys(s policies.Syscalls) bool {
	table, err := plan(s)
	for _, name := range []string{"add_key", "request_key", "keyctl"} {
		if err != nil || table.possible(name, s.Default) {
			return true
		}
	}
	return false
}

// Compile compiles the policy's syscall rules into a filter. It installs nothing and does not
// depend on the running kernel. Violation does not change the program: the listener decides what
// happens to a refused call.
func Compile(s policies.Syscalls) (*Filter, error) {
	return compile(s, inTree, Watch{})
}

func compile(s policies.Syscalls, level int, w Watch) (*Filter, error) {
	table, err := plan(s)
	if err != nil {
		return nil, err
	}
	table.watch(w)
	program, err := build(table, level)
	if err != nil {
		return nil, fmt.Errorf("compile syscall filter: %w", err)
	}
	return &Filter{program: program, table: table, exec: table.allowed("execve")}, nil
}

// table maps native numbers to the policy's rules.
type table map[int]*entry

func (t table) allowed(name string) bool {
	nr, ok := native(name)
	if !ok {
		return false
	}
	e := t[nr]
	return e != nil && e.allowAll && !e.denyAll && len(e.deny) == 0
}

// possible reports whether a call may be allowed, with some arguments at least.
func (t table) possible(name string, otherwise policies.SyscallDefault) bool {
	nr, ok := native(name)
	if !ok {
		return false
	}
	e := t[nr]
	if e == nil {
		return otherwise != policies.DefaultDeny
	}
	return !e.denyAll && (e.allowAll || len(e.allow) > 0 || otherwise != policies.DefaultDeny)
}

func (t table) at(nr int) *entry {
	e := t[nr]
	if e == nil {
		e = new(entry)
		t[nr] = e
	}
	return e
}

// indispensable reports whether every process needs a call: between the filter and execve, or at
// its end.
func indispensable(name string) bool {
	switch name {
	case "read", "write", "close", "exit", "exit_group", "rt_sigreturn", "restart_syscall":
		return true
	}
	return false
}

// blindCall reports whether a filter cannot see a call's effect: a ring's requests bypass filters,
// and openat2's mode is in memory. Such a call is only allowed by its own name, not by a group or
// the default.
func blindCall(name string) bool {
	switch name {
	case "io_uring_setup", "io_uring_enter", "io_uring_register", "openat2":
		return true
	}
	return false
}

// plan applies the rules, name by name, to the calls of this machine.
func plan(s policies.Syscalls) (table, error) {
	t := make(table, 512)
	switch s.Default {
	case policies.DefaultAllow:
		for nr, name := range nativeNames() {
			if name != "" && !blindCall(name) {
				t.at(nr).allowAll = true
			}
		}
	case policies.DefaultDeny, "":
	default:
		return nil, hint.Errorf("use one of: deny, allow", "syscalls.default: unknown value %q",
			s.Default)
	}
	for _, r := range s.Allow {
		if err := t.apply("allow", r, func(e *entry, conds []condition) {
			if len(conds) == 0 {
				e.allowAll = true
			} else {
				e.allow = append(e.allow, conds)
			}
		}); err != nil {
			return nil, err
		}
	}
	for _, r := range s.Deny {
		if err := t.apply("deny", r, func(e *entry, conds []condition) {
			if len(conds) == 0 {
				e.denyAll = true
			} else {
				e.deny = append(e.deny, conds)
			}
		}); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"read", "write", "close", "exit", "exit_group", "rt_sigreturn",
		"restart_syscall"} {
		if nr, ok := native(name); ok {
			t.at(nr).allowAll = true
		}
	}
	return t, nil
}

func (t table) apply(list string, r policies.SyscallRule, add func(*entry, []condition)) error {
	if len(r.Names) == 0 {
		return hint.Errorf("give it `names: [...]`", "syscalls.%s: a rule without a name", list)
	}
	for _, name := range r.Names {
		members := []string{name}
		if isGroup(name) {
			var ok bool
			if members, ok = Group(name); !ok {
				return unknown(list, name, "group", Groups())
			}
		} else if !known(name) {
			return unknown(list, name, "system call", knownNames())
		}
		for _, m := range members {
			if list == "deny" && indispensable(m) {
				return denyIndispensable(name, m)
			}
			if list == "allow" && isGroup(name) && blindCall(m) {
				continue
			}
			conds, err := conditions(m, r.Args)
			if err != nil {
				return fmt.Errorf("syscalls.%s: %w", list, err)
			}
			if i, bad := contradictory(conds); bad {
				return hint.Errorf("all conditions of one rule must hold; for alternatives, "+
					"write several rules",
					"syscalls.%s: rule for %s can never match: its conditions on argument %d "+
						"contradict each other", list, m, i)
			}
			if nr, ok := native(m); ok {
				add(t.at(nr), conds)
			}
		}
	}
	return nil
}

func denyIndispensable(name, member string) error {
	what := name
	if name != member {
		what = fmt.Sprintf("%s (it contains %s)", name, member)
	}
	return hint.Errorf("read, write, close, exit, exit_group, rt_sigreturn and restart_syscall "+
		"are always allowed: every process needs them",
		"syscalls.deny: %s cannot be denied", what)
}

func unknown(list, name, kind string, candidates []string) error {
	err := fmt.Errorf("syscalls.%s: unknown %s %q", list, kind, name)
	if near := nearest.Word(name, candidates); near != "" {
		return hint.Wrap(err, fmt.Sprintf("did you mean %q?", near))
	}
	if kind == "group" {
		return hint.Wrap(err, "see `mcpbox policy list` for the groups")
	}
	return hint.Wrap(err, "names are those of syscalls(2), without the architecture's prefix")
}
