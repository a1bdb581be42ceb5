package seccomp

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
)

// interpret evaluates a policy in the simplest possible way: no plan, no negation, no BPF. It
// reports whether the kernel executes the call.
func interpret(s policies.Syscalls, name string, args [6]uint64) bool {
	switch name {
	case "":
		return false
	case "clone3":
		return false
	case "read", "write", "close", "exit", "exit_group", "rt_sigreturn", "restart_syscall":
		return true
	}
	blind := name == "io_uring_setup" || name == "io_uring_enter" || name == "io_uring_register" ||
		name == "openat2"
	allowed := s.Default == policies.DefaultAllow && !blind
	for _, r := range s.Allow {
		if matches(r, name, args, !blind) {
			allowed = true
		}
	}
	for _, r := range s.Deny {
		if matches(r, name, args, true) {
			allowed = false
		}
	}
	return allowed
}

func matches(r policies.SyscallRule, name string, args [6]uint64, byGroup bool) bool {
	named := false
	for _, n := range r.Names {
		if n == name || byGroup && slices.Contains(groupMembers(n), name) {
			named = true
		}
	}
	if !named {
		return false
	}
	for _, c := range r.Args {
		a, v, m := args[c.Index], c.Value, c.Mask
		if intSized(name, c.Index) {
			a, v, m = uint64(uint32(a)), uint64(uint32(v)), uint64(uint32(m))
		}
		var ok bool
		switch c.Op {
		case "eq":
			ok = a == v
		case "ne":
			ok = a != v
		case "lt":
			ok = a < v
		case "le":
			ok = a <= v
		case "gt":
			ok = a > v
		case "ge":
			ok = a >= v
		case "masked_eq":
			ok = a&m == v
		}
		if !ok {
			return false
		}
	}
	return true
}

var membersCache sync.Map

func groupMembers(name string) []string {
	m, ok := membersCache.Load(name)
	if !ok {
		members, _ := Group(name)
		m, _ = membersCache.LoadOrStore(name, members)
	}
	return m.([]string)
}

// intSized says, for the calls in the tests, whether the kernel reads an argument as 32 bits wide.
func intSized(name string, index uint) bool {
	switch name {
	case "socket":
		return index < 3
	case "ioctl":
		return index < 2
	case "mkdirat":
		return index == 0 || index == 2
	case "io_uring_setup":
		return index == 0
	}
	return false // clone, mmap; getppid and getpid have none
}

var modelNames = []string{"socket", "ioctl", "mkdirat", "clone", "mmap", "getppid", "getpid",
	"io_uring_setup", "clone3",
	"@default", "@network-io", "@aio", "@process", "@known"}

var modelCalls = []string{"socket", "ioctl", "mkdirat", "clone", "mmap", "getppid", "getpid",
	"io_uring_setup", "clone3", "read", "exit_group", "uname"}

// source returns small numbers: from a random generator in the property test, from bytes in the
// fuzz test.
type source func(n int) int

func (s source) value(narrow bool) uint64 {
	v := [...]uint64{0, 1, 2, 3, 5, 0x5412, 0x80000000, 0xffffffff, 1 << 32, 1<<32 | 1, 1<<63 | 2,
		^uint64(0)}[s(12)]
	if narrow {
		v &= 0xffffffff
	}
	return v
}

func (s source) policy() policies.Syscalls {
	p := policies.Syscalls{Default: [...]policies.SyscallDefault{policies.DefaultDeny,
		policies.DefaultAllow}[s(2)]}
	for range s(6) {
		p.Allow = append(p.Allow, s.rule(modelNames))
	}
	for range s(6) {
		p.Deny = append(p.Deny, s.rule(slices.DeleteFunc(slices.Clone(modelNames),
			func(n string) bool { return n == "@default" || n == "@known" })))
	}
	return p
}

func (s source) rule(names []string) policies.SyscallRule {
	r := policies.SyscallRule{Names: []string{names[s(len(names))]}}
	if s(2) == 0 {
		r.Names = append(r.Names, names[s(9)%len(names)])
	}
	for range s(4) {
		a := policies.ArgRule{Index: uint(s(6)), Op: [...]string{"eq", "ne", "lt", "le", "gt", "ge",
			"masked_eq"}[s(7)], Value: s.value(s(2) == 0)}
		if a.Op == "masked_eq" {
			a.Mask = s.value(s(2) == 0)
			a.Value &= a.Mask
		}
		r.Args = append(r.Args, a)
	}
	return r
}

// agree compiles a random policy in both forms and compares the verdicts with interpret. It returns
// false if the policy is refused.
func agree(t *testing.T, s source, calls int) bool {
	t.Helper()
	p := s.policy()
	tree, err := compile(p, inTree, Watch{})
	list, err2 := compile(p, inList, Watch{})
	if errors.Is(err, errTooLong) || errors.Is(err2, errTooLong) {
		return false // refused, and one form may be longer than the other
	}
	if (err == nil) != (err2 == nil) {
		t.Fatalf("compile: %v and %v", err, err2)
	}
	if err != nil {
		return false
	}
	for range calls {
		name := modelCalls[s(len(modelCalls))]
		nr, _ := native(name)
		var args [6]uint64
		for i := range args {
			args[i] = s.value(false) + uint64(s(3)) - 1
		}
		got, err := tree.Verdict(nativeAudit(), nr, args)
		if err != nil {
			t.Fatal(err)
		}
		plain, _ := list.Verdict(nativeAudit(), nr, args)
		if got != plain {
			t.Fatalf("%s%#x: tree says %s, list %s\n%+v", name, args, got, plain, p)
		}
		if want := interpret(p, name, args); got.Allowed() != want {
			t.Fatalf("%s%#x: filter says %s, the policy allows: %v\n%+v", name, args, got, want, p)
		}
		c := &Call{Number: nr, Raw: args}
		if name != "clone3" && tree.Allows(c) != got.Allowed() {
			t.Fatalf("%s%#x: filter says %s, Allows says otherwise\n%+v", name, args, got, p)
		}
		if name == "clone3" && got.Errno() != unix.ENOSYS {
			t.Fatalf("clone3: %s", got)
		}
	}
	// Any number, with small arguments, so that their width makes no difference.
	for range calls {
		nr := s(256)*2 + s(100)
		name, _ := SyscallName(nativeAudit(), nr)
		var args [6]uint64
		for i := range args {
			args[i] = uint64(s(6))
		}
		got, _ := tree.Verdict(nativeAudit(), nr, args)
		if want := interpret(p, name, args); got.Allowed() != want {
			t.Fatalf("%d (%s)%#x: filter says %s, the policy allows: %v\n%+v", nr, name, args, got,
				want, p)
		}
	}
	return true
}

func TestTheFilterAgreesWithTheModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	compiled := 0
	for range 400 {
		if agree(t, r.IntN, 200) {
			compiled++
		}
	}
	if compiled < 100 {
		t.Errorf("only %d of 400 policies compiled: the generator is off", compiled)
	}
}

func FuzzCompile(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Add([]byte("\x00\x02\x00\x00\x02\x00\x01\x03\x02\x05\x04\x03\x02\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		agree(t, func(n int) int {
			if len(data) == 0 {
				return 0
			}
			v := int(data[0])
			data = data[1:]
			return v % n
		}, 16)
	})
}
