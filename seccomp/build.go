package seccomp

import (
	"errors"
	"fmt"
	"os"

	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// apiLevel 6 has user notification. If it is set, libseccomp does not ask the running kernel, and a
// filter compiles the same everywhere.
const apiLevel = 6

// How libseccomp finds a number in the program.
const (
	inList = 1
	inTree = 2 // binary
)

// maxInsns is the kernel's BPF_MAXINSNS.
const maxInsns = 4096

var errTooLong = errors.New("too many argument rules")

// build lets libseccomp compile the table. The program has placeholders (SECCOMP_RET_TRACE with an
// index) for our own blocks. link replaces them.
func build(t table, level int) ([]byte, error) {
	if err := libseccomp.SetAPI(apiLevel); err != nil {
		return nil, fmt.Errorf("libseccomp: %w", err)
	}
	if nr, ok := native("clone3"); ok {
		t.at(nr)
	}
	rules, blocks, fallback := t.rules()
	f, err := libseccomp.NewFilter(fallback)
	if err != nil {
		return nil, fmt.Errorf("libseccomp: %w", err)
	}
	defer f.Release()
	if err := f.SetBadArchAction(libseccomp.ActNotify); err != nil {
		return nil, fmt.Errorf("libseccomp: action for other architectures: %w", err)
	}
	if err := f.SetOptimize(level); err != nil {
		return nil, fmt.Errorf("libseccomp: optimize: %w", err)
	}
	for _, r := range rules {
		if err := f.AddRuleExact(libseccomp.ScmpSyscall(r.nr), r.action); err != nil {
			return nil, fmt.Errorf("libseccomp: rule for number %d: %w", r.nr, err)
		}
	}
	program, err := export(f)
	if err != nil {
		return nil, err
	}
	program = link(program, blocks)
	if n := len(program) / insnSize; n > maxInsns {
		return nil, fmt.Errorf("%d instructions, the kernel takes at most %d: %w", n, maxInsns,
			errTooLong)
	}
	return program, nil
}

// link appends the argument blocks and turns each placeholder into a jump to its block.
func link(program []byte, blocks [][]insn) []byte {
	starts := make([]int, len(blocks))
	head := len(program) / insnSize
	end := head
	for i, b := range blocks {
		starts[i] = end
		end += len(b)
	}
	for at := range head {
		p := program[at*insnSize:]
		if i := decodeInsn(p); i.op == opRet && i.k&retAction == retTrace {
			encodeInsn(p, insn{op: opJa, k: uint32(starts[i.k&retData] - at - 1)})
		}
	}
	for _, b := range blocks {
		for _, i := range b {
			program = append(program, make([]byte, insnSize)...)
			encodeInsn(program[len(program)-insnSize:], i)
		}
	}
	return program
}

// export reads the program back from a memfd: before 2.6, libseccomp writes to files only.
func export(f *libseccomp.ScmpFilter) ([]byte, error) {
	fd, err := unix.MemfdCreate("mcpbox-filter", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memfd: %w", err)
	}
	file := os.NewFile(uintptr(fd), "memfd:mcpbox-filter")
	defer file.Close()
	if err := f.ExportBPF(file); err != nil {
		return nil, fmt.Errorf("libseccomp: export: %w", err)
	}
	st, err := file.Stat()
	if err != nil {
		return nil, err
	}
	program := make([]byte, st.Size())
	_, err = file.ReadAt(program, 0)
	return program, err
}
