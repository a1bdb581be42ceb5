package policies

import (
	"encoding/json"
	"fmt"
	"strings"
)

// plain reports whether the rule can be written as a bare name.
func (r SyscallRule) plain() bool { return len(r.Names) == 1 && len(r.Args) == 0 && r.Why == "" }

// MarshalJSON returns the short form, a bare name, if nothing is lost.
func (r SyscallRule) MarshalJSON() ([]byte, error) {
	if r.plain() {
		return json.Marshal(r.Names[0])
	}
	type bare SyscallRule
	return json.Marshal(bare(r))
}

// String returns the rule in one line, such as: clone (arg0 & 0x7e020000 == 0).
func (r SyscallRule) String() string {
	s := strings.Join(r.Names, ", ")
	if len(r.Args) == 0 {
		return s
	}
	conditions := make([]string, len(r.Args))
	for i, a := range r.Args {
		conditions[i] = a.String()
	}
	return s + " (" + strings.Join(conditions, " and ") + ")"
}

// String returns the condition in C syntax.
func (a ArgRule) String() string {
	if a.Op == "masked_eq" {
		return fmt.Sprintf("arg%d & %#x == %#x", a.Index, a.Mask, a.Value)
	}
	op := a.Op
	switch op {
	case "eq":
		op = "=="
	case "ne":
		op = "!="
	case "lt":
		op = "<"
	case "le":
		op = "<="
	case "gt":
		op = ">"
	case "ge":
		op = ">="
	}
	return fmt.Sprintf("arg%d %s %#x", a.Index, op, a.Value)
}
