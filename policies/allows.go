package policies

import "slices"

// Answer says how far a policy allows a syscall.
type Answer int

const (
	No     Answer = iota // never
	Partly               // for some arguments
	Yes                  // always
)

// Allows reports whether the policy allows a syscall. The caller names the groups that contain it:
// this package does not know their contents.
func (p *Policy) Allows(name string, groups ...string) Answer {
	result := p.AllowsBeforeDeny(name, groups...)
	for _, r := range p.Syscalls.Deny {
		if !names(r, name, groups) {
			continue
		}
		if len(r.Args) == 0 {
			return No
		}
		if result == Yes {
			result = Partly
		}
	}
	return result
}

// AllowsBeforeDeny is like Allows, but ignores the rules of syscalls.deny.
func (p *Policy) AllowsBeforeDeny(name string, groups ...string) Answer {
	result := No
	if p.Syscalls.Default == DefaultAllow {
		result = Yes
	}
	for _, r := range p.Syscalls.Allow {
		if !names(r, name, groups) {
			continue
		}
		if len(r.Args) == 0 {
			result = Yes
		} else if result == No {
			result = Partly
		}
	}
	return result
}

func names(r SyscallRule, name string, groups []string) bool {
	return slices.ContainsFunc(r.Names, func(n string) bool {
		return n == name || n == "@known" || slices.Contains(groups, n)
	})
}

// AllowsSocket reports whether the policy allows sockets of a family, such as AF_INET.
func (p *Policy) AllowsSocket(family string) bool {
	if v := p.Allows("socket", "@network-io", "@system-service"); v == No {
		return false
	}
	value, _ := Constant(family)
	covers := func(rules []SyscallRule, emptyToo bool) bool {
		return slices.ContainsFunc(rules, func(r SyscallRule) bool {
			if !slices.ContainsFunc(r.Names, func(n string) bool {
				return n == "socket" ||
					n == "@network-io" || n == "@system-service"
			}) {
				return false
			}
			return emptyToo && len(r.Args) == 0 || slices.ContainsFunc(r.Args,
				func(a ArgRule) bool { return a.Index == 0 && a.holds(value) })
		})
	}
	if p.Syscalls.Default == DefaultAllow {
		return !covers(p.Syscalls.Deny, false)
	}
	return covers(p.Syscalls.Allow, true) && !covers(p.Syscalls.Deny, true)
}

// holds reports whether the condition is true for an argument.
func (a ArgRule) holds(arg uint64) bool {
	switch a.Op {
	case "eq":
		return arg == a.Value
	case "ne":
		return arg != a.Value
	case "lt":
		return arg < a.Value
	case "le":
		return arg <= a.Value
	case "gt":
		return arg > a.Value
	case "ge":
		return arg >= a.Value
	case "masked_eq":
		return arg&a.Mask == a.Value
	}
	return false
}
