package seccomp

import (
	"syscall"

	libseccomp "github.com/seccomp/libseccomp-golang"
)

// numberRule is one libseccomp rule.
type numberRule struct {
	nr     int
	action libseccomp.ScmpAction
}

// rules returns libseccomp's input: a rule for every number for which the fallback would be wrong,
// and the blocks for the placeholders.
//
// Every rule costs time at each start, in libseccomp and in the kernel. So the shorter of two lists
// is used: the allowed numbers, with notify as the fallback, or the refused numbers, with block 0
// (every number with a name is allowed) as the fallback.
func (t table) rules() (rules []numberRule, blocks [][]insn, fallback libseccomp.ScmpAction) {
	clone3, _ := native("clone3")
	var allowed, refused []numberRule
	blocks = append(blocks, nil)
	for nr, name := range nativeNames() {
		if name == "" {
			continue
		}
		e := t[nr]
		switch {
		case nr == clone3:
			rules = append(rules, numberRule{nr,
				libseccomp.ActErrno.SetReturnCode(int16(syscall.ENOSYS))})
		case e == nil, e.denyAll, !e.allowAll && len(e.allow) == 0:
			refused = append(refused, numberRule{nr, libseccomp.ActNotify})
		case e.allowAll && len(e.deny) == 0 && len(e.watched) == 0:
			allowed = append(allowed, numberRule{nr, libseccomp.ActAllow})
		default:
			rules = append(rules, numberRule{nr, placeholder(len(blocks))})
			blocks = append(blocks, emitBlock(e))
		}
	}
	if len(allowed) <= len(refused) {
		return append(rules, allowed...), blocks, libseccomp.ActNotify
	}
	blocks[0] = emitNamed(nativeNames())
	return append(rules, refused...), blocks, placeholder(0)
}

func placeholder(block int) libseccomp.ScmpAction {
	return libseccomp.ActTrace.SetReturnCode(int16(block))
}

// emitNamed allows numbers with a name, and returns notify for all others. It goes through the
// ranges of named numbers from the highest down.
func emitNamed(names []string) []insn {
	out := []insn{{op: opLoad, k: 0}} // seccomp_data.nr
	allow := insn{op: opRet, k: retAllow}
	notify := insn{op: opRet, k: retNotify}
	for end := len(names); end > 0; {
		if names[end-1] == "" {
			end--
			continue
		}
		start := end - 1
		for start > 0 && names[start-1] != "" {
			start--
		}
		out = append(out,
			insn{op: opJge, jt: 0, jf: 1, k: uint32(end)}, notify,
			insn{op: opJge, jt: 0, jf: 1, k: uint32(start)}, allow)
		end = start
	}
	return append(out, notify)
}
