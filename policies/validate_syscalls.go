package policies

import "fmt"

// syscalls checks the form. Package seccomp checks whether the names exist.
func (c *checker) syscalls(p *Policy) {
	s := &p.Syscalls
	c.enum("syscalls.default", string(s.Default), string(DefaultDeny), string(DefaultAllow))
	c.enum("syscalls.violation", string(s.Violation), string(ViolationErrno), string(ViolationKill))
	c.syscallRules("syscalls.allow", s.Allow)
	c.syscallRules("syscalls.deny", s.Deny)
	if p.Isolation != IsolationNone && s.Default != DefaultAllow && len(s.Allow) == 0 {
		c.fail("syscalls", "add extends: standard, or list syscalls.allow", "the policy allows "+
			"no syscall, so no program can start")
	}
}

func (c *checker) syscallRules(path string, rules []SyscallRule) {
	for i, r := range rules {
		at := fmt.Sprintf("%s[%d]", path, i)
		if len(r.Names) == 0 {
			c.fail(at, "such as: {names: [ptrace], why: …}", "%s names no syscall", at)
		}
		for j, name := range r.Names {
			if !syscallName(name) {
				c.fail(fmt.Sprintf("%s.names[%d]", at, j), "such as openat or @file-system",
					"%q is not the name of a syscall or of a group", name)
			}
		}
		for j, a := range r.Args {
			c.argument(fmt.Sprintf("%s.args[%d]", at, j), a)
		}
	}
}

func (c *checker) argument(at string, a ArgRule) {
	if a.Index > 5 {
		c.fail(at+".index", "arguments are numbered 0 to 5", "%s.index is %d", at, a.Index)
	}
	if a.Op == "" {
		c.fail(at, "such as op: eq", "%s needs an op", at)
	}
	c.enum(at+".op", a.Op, "eq", "ne", "lt", "le", "gt", "ge", "masked_eq")
	switch {
	case a.Op == "masked_eq" && a.Value&^a.Mask != 0:
		c.fail(at, "use only bits of the mask in value", "%s can never match: value %#x lies "+
			"outside mask %#x", at, a.Value, a.Mask)
	case a.Op != "masked_eq" && a.Mask != 0:
		c.fail(at+".mask", "use op: masked_eq", "%s: a mask does nothing with op %s", at, a.Op)
	}
}

// syscallName reports whether a name has only lower-case letters, digits and _. The name of a group
// begins with @ and may have dashes.
func syscallName(s string) bool {
	group := len(s) > 1 && s[0] == '@'
	if group {
		s = s[1:]
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && (c != '-' || !group) {
			return false
		}
	}
	return s != "" && len(s) <= 64
}
