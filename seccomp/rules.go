package seccomp

import (
	"fmt"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/seccomp/internal/decode"
)

// entry holds all rules of the policy for one call.
type entry struct {
	allowAll, denyAll bool
	allow, deny       [][]condition // each rule a conjunction
	watched           [][]condition // rules for allowed calls that are watched: see Watch
}

type compareOp uint8

const (
	opEq compareOp = iota
	opNe
	opLt
	opLe
	opGt
	opGe
	opMasked
)

// condition compares one argument, on its low 32 bits if narrow.
type condition struct {
	index       int
	op          compareOp
	narrow      bool
	value, mask uint64
}

func parseOp(s string) (compareOp, bool) {
	switch s {
	case "eq":
		return opEq, true
	case "ne":
		return opNe, true
	case "lt":
		return opLt, true
	case "le":
		return opLe, true
	case "gt":
		return opGt, true
	case "ge":
		return opGe, true
	case "masked_eq":
		return opMasked, true
	}
	return 0, false
}

// conditions checks the conditions of a rule, and adapts them to the widths of the call's
// arguments.
func conditions(name string, args []policies.ArgRule) ([]condition, error) {
	if len(args) > maxConditions {
		return nil, fmt.Errorf("syscall rule for %s: %d conditions, at most %d", name, len(args),
			maxConditions)
	}
	out := make([]condition, 0, len(args))
	for _, a := range args {
		op, ok := parseOp(a.Op)
		if !ok {
			return nil, hint.Errorf("use one of: eq, ne, lt, le, gt, ge, masked_eq", "syscall "+
				"rule for %s: unknown comparison %q", name, a.Op)
		}
		if a.Index > 5 {
			return nil, hint.Errorf("arguments are numbered 0 to 5", "syscall rule for %s: no "+
				"argument %d", name, a.Index)
		}
		c := condition{index: int(a.Index), op: op, narrow: decode.Narrow(name, int(a.Index)),
			value: a.Value, mask: a.Mask}
		if op == opMasked && a.Value&^a.Mask != 0 {
			return nil, hint.Errorf("use a value whose bits are all in the mask", "syscall rule "+
				"for %s: argument %d & %#x can never be %#x", name, a.Index, a.Mask, a.Value)
		}
		if op != opMasked && a.Mask != 0 {
			return nil, hint.Errorf("use masked_eq, or remove the mask", "syscall rule for %s: "+
				"argument %d: a mask with %s", name, a.Index, a.Op)
		}
		if c.narrow && (wide(a.Value) || op == opMasked && wide(a.Mask)) {
			return nil, hint.Errorf("compare with a value of at most 0xffffffff", "syscall rule "+
				"for %s: argument %d is 32 bits wide", name, a.Index)
		}
		out = append(out, c)
	}
	return out, nil
}

// wide reports whether v is not a 32-bit value, nor a sign-extended negative one.
func wide(v uint64) bool { return v>>32 != 0 && uint64(int64(int32(v))) != v }

// contradictory reports whether no value of the argument can satisfy all conditions. It checks
// bounds and single values, not masks.
func contradictory(conds []condition) (int, bool) {
	var lo, hi [6]uint64
	for i := range hi {
		hi[i] = ^uint64(0)
	}
	for _, c := range conds {
		v, top := c.value, ^uint64(0)
		if c.narrow {
			v, top = v&0xffffffff, 0xffffffff
		}
		l, h := uint64(0), top
		switch c.op {
		case opEq:
			l, h = v, v
		case opGe:
			l = v
		case opLe:
			h = v
		case opGt:
			if v == top {
				return c.index, true
			}
			l = v + 1
		case opLt:
			if v == 0 {
				return c.index, true
			}
			h = v - 1
		}
		lo[c.index], hi[c.index] = max(lo[c.index], l), min(hi[c.index], h)
		if lo[c.index] > hi[c.index] {
			return c.index, true
		}
	}
	return 0, false
}

// isGroup reports whether the name begins with @, as the name of a group does.
func isGroup(name string) bool { return strings.HasPrefix(name, "@") }
