package seccomp

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// insn is one struct sock_filter.
type insn struct {
	op     uint16
	jt, jf uint8
	k      uint32
}

const insnSize = 8

func decodeInsn(b []byte) insn {
	return insn{binary.NativeEndian.Uint16(b), b[2], b[3], binary.NativeEndian.Uint32(b[4:])}
}

func encodeInsn(b []byte, i insn) {
	binary.NativeEndian.PutUint16(b, i.op)
	b[2], b[3] = i.jt, i.jf
	binary.NativeEndian.PutUint32(b[4:], i.k)
}

// Offsets into struct seccomp_data (little-endian machines: amd64, arm64).
func argLow(i int) int  { return 16 + 8*i }
func argHigh(i int) int { return 20 + 8*i }

const (
	opLoad = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	opAnd  = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
	opJeq  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	opJgt  = unix.BPF_JMP | unix.BPF_JGT | unix.BPF_K
	opJge  = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	opJa   = unix.BPF_JMP | unix.BPF_JA
	opRet  = unix.BPF_RET | unix.BPF_K
)

// A jump's target while a rule is being written.
const (
	next uint8 = 0    // fall through
	pass uint8 = 0xfe // the condition holds: go to the next one
	fail uint8 = 0xff // the rule does not match: go to the next rule
)

// maxConditions keeps a rule's jumps within BPF's 8 bits (6 instructions per condition).
const maxConditions = 32

// emitBlock writes the block that checks the arguments of one call. Deny rules come first, so they
// win; then allow rules; then notify.
func emitBlock(e *entry) []insn {
	var out []insn
	for _, r := range e.deny {
		out = emitRule(out, r, retNotify)
	}
	for _, r := range e.watched {
		out = emitRule(out, r, retNotify)
	}
	if e.allowAll {
		return append(out, insn{op: opRet, k: retAllow})
	}
	for _, r := range e.allow {
		out = emitRule(out, r, retAllow)
	}
	return append(out, insn{op: opRet, k: retNotify})
}

func emitRule(out []insn, conds []condition, verdict uint32) []insn {
	start := len(out)
	for _, c := range conds {
		from := len(out)
		out = emitCondition(out, c)
		resolve(out, from, pass, len(out))
	}
	out = append(out, insn{op: opRet, k: verdict})
	resolve(out, start, fail, len(out))
	return out
}

// resolve points the jumps marked with label, from instruction `from` on, at target.
func resolve(out []insn, from int, label uint8, target int) {
	for i := from; i < len(out); i++ {
		if out[i].op&7 != unix.BPF_JMP {
			continue
		}
		d := uint8(target - i - 1)
		if out[i].jt == label {
			out[i].jt = d
		}
		if out[i].jf == label {
			out[i].jf = d
		}
	}
}

func emitCondition(out []insn, c condition) []insn {
	hi, lo := uint32(c.value>>32), uint32(c.value)
	loadHi := insn{op: opLoad, k: uint32(argHigh(c.index))}
	loadLo := insn{op: opLoad, k: uint32(argLow(c.index))}
	yes, no := pass, fail
	switch c.op {
	case opNe, opLt, opLe: // the negations of eq, ge, gt
		yes, no = fail, pass
	}
	last := insn{op: opJeq, jt: yes, jf: no, k: lo}
	switch c.op {
	case opGe, opLt:
		last.op = opJge
	case opGt, opLe:
		last.op = opJgt
	}
	ordered := last.op != opJeq
	if !c.narrow {
		switch {
		case c.op == opMasked:
			out = append(out, loadHi, insn{op: opAnd, k: uint32(c.mask >> 32)},
				insn{op: opJeq, jt: next, jf: fail, k: hi})
		case ordered:
			out = append(out, loadHi, insn{op: opJgt, jt: yes, jf: next, k: hi},
				insn{op: opJeq, jt: next, jf: no, k: hi})
		default:
			out = append(out, loadHi, insn{op: opJeq, jt: next, jf: no, k: hi})
		}
	}
	out = append(out, loadLo)
	if c.op == opMasked {
		out = append(out, insn{op: opAnd, k: uint32(c.mask)})
	}
	return append(out, last)
}
