package seccomp

import (
	"encoding/binary"
	"fmt"
	"syscall"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Verdict is the filter's return value for a call (SECCOMP_RET_*).
type Verdict uint32

const (
	retAllow  = 0x7fff0000
	retNotify = 0x7fc00000
	retTrace  = 0x7ff00000
	retErrno  = 0x00050000

	retAction = 0xffff0000
	retData   = 0x0000ffff
)

// Allowed reports whether the kernel executes the call.
func (v Verdict) Allowed() bool { return v&retAction == retAllow }

// Notified reports whether the call is refused and passed to the listener.
func (v Verdict) Notified() bool { return v&retAction == retNotify }

// Errno returns the error that the kernel itself returns for the call, or 0.
func (v Verdict) Errno() syscall.Errno {
	if v&retAction != retErrno {
		return 0
	}
	return syscall.Errno(v & retData)
}

func (v Verdict) String() string {
	switch {
	case v.Allowed():
		return "allow"
	case v.Notified():
		return "notify"
	case v.Errno() != 0:
		return unix.ErrnoName(v.Errno())
	}
	return fmt.Sprintf("%#x", uint32(v))
}

// Verdict runs the program for one call in a BPF interpreter, without the kernel. auditArch is the
// AUDIT_ARCH_* by which the call enters the kernel.
func (f *Filter) Verdict(auditArch uint32, nr int, args [6]uint64) (Verdict, error) {
	f.vmOnce.Do(func() { f.vm, f.vmErr = newVM(f.program) })
	if f.vmErr != nil {
		return 0, f.vmErr
	}
	// The interpreter loads big-endian words, the kernel native ones.
	var data [64]byte
	binary.BigEndian.PutUint32(data[0:], uint32(nr))
	binary.BigEndian.PutUint32(data[4:], auditArch)
	for i, a := range args {
		binary.BigEndian.PutUint32(data[argLow(i):], uint32(a))
		binary.BigEndian.PutUint32(data[argHigh(i):], uint32(a>>32))
	}
	ret, err := f.vm.Run(data[:])
	return Verdict(uint32(ret)), err
}

func newVM(program []byte) (*bpf.VM, error) {
	raw := make([]bpf.RawInstruction, 0, len(program)/insnSize)
	for p := program; len(p) >= insnSize; p = p[insnSize:] {
		i := decodeInsn(p)
		raw = append(raw, bpf.RawInstruction{Op: i.op, Jt: i.jt, Jf: i.jf, K: i.k})
	}
	insns, ok := bpf.Disassemble(raw)
	if !ok {
		return nil, fmt.Errorf("filter program: an instruction that does not disassemble")
	}
	return bpf.NewVM(insns)
}
