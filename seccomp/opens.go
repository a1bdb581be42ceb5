package seccomp

import "golang.org/x/sys/unix"

// Opens selects calls that go to the listener even if the policy allows them. The caller answers
// some of them itself (Answer.File), and lets the kernel execute the others (Filter.Allows).
type Opens struct {
	Read  bool // open for O_RDONLY
	Write bool // open for O_WRONLY and O_RDWR
}

// ProgramWith is like Program, but passes these calls to the listener. It adds a few instructions,
// which cost time in every call: use it only where it is needed.
func (f *Filter) ProgramWith(o Opens) []byte {
	if o == (Opens{}) {
		return f.program
	}
	var out []byte
	for _, i := range opensPrefix(o) {
		out = append(out, make([]byte, insnSize)...)
		encodeInsn(out[len(out)-insnSize:], i)
	}
	return append(out, f.program...)
}

// opensPrefix returns the instructions for these calls of the native table. All other calls
// continue with the program.
func opensPrefix(o Opens) []insn {
	type call struct {
		nr    int
		flags int // the argument with the flags; -1 for creat, which always opens for writing
	}
	var calls []call
	for _, c := range []struct {
		name  string
		flags int
	}{{"open", 1}, {"openat", 2}, {"creat", -1}} {
		if nr, ok := native(c.name); ok && (c.flags >= 0 && o.Read || o.Write) {
			calls = append(calls, call{nr, c.flags})
		}
	}
	out := []insn{{op: opLoad, k: 4}, {}, {op: opLoad, k: 0}} // arch, number
	arch := 1
	var blocks [][]insn
	for _, c := range calls {
		// notify, unless the access mode is not selected
		block := []insn{{op: opRet, k: retNotify}}
		if c.flags >= 0 && !(o.Read && o.Write) {
			test := insn{op: opJeq, k: unix.O_RDONLY, jt: pass, jf: next}
			if o.Read {
				test.jt, test.jf = next, pass
			}
			block = append([]insn{{op: opLoad, k: uint32(argLow(c.flags))},
				{op: opAnd, k: unix.O_ACCMODE}, test}, block...)
		}
		blocks = append(blocks, block)
	}
	total := len(out)
	for _, b := range blocks {
		total += 1 + len(b)
	}
	for i, b := range blocks {
		// another number: go to the next block
		out = append(out, insn{op: opJeq, k: uint32(calls[i].nr), jf: uint8(len(b))})
		out = append(out, b...)
		resolve(out, len(out)-len(b), pass, total)
	}
	out[arch] = insn{op: opJeq, k: nativeAudit(), jf: uint8(total - arch - 1)}
	return out
}

// Allows reports whether the policy allows the call c. This can only be true for a call that came
// because of Opens or Watch.
func (f *Filter) Allows(c *Call) bool {
	return c.ArchName == "" && f.table[c.Number].allows(c.Raw)
}
