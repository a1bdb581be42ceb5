package seccomp

import (
	"slices"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

func allowing(rules ...policies.SyscallRule) policies.Syscalls {
	return policies.Syscalls{Default: policies.DefaultDeny, Allow: rules}
}

func rule(name string, args ...policies.ArgRule) policies.SyscallRule {
	return policies.SyscallRule{Names: []string{name}, Args: args}
}

func TestBadPoliciesNameTheThingAndTheRemedy(t *testing.T) {
	arg := func(index uint, op string, value, mask uint64) policies.ArgRule {
		return policies.ArgRule{Index: index, Op: op, Value: value, Mask: mask}
	}
	tests := []struct {
		policy         policies.Syscalls
		message, hints string
	}{
		{allowing(rule("opennat")), `unknown system call "opennat"`, `"openat"`},
		{allowing(rule("@filesystem")), `unknown group "@filesystem"`, `"@file-system"`},
		{allowing(rule("zzzzzzzzzzzzzzzzzzzz")), "zzzz", "syscalls(2)"},
		{denying("read"), "read cannot be denied", "always allowed"},
		{denying("@basic-io"), "@basic-io (it contains close)", "always allowed"},
		{allowing(rule("socket", arg(0, "eq", 1, 0), arg(0, "eq", 2, 0))), "can never match",
			"alternatives"},
		{allowing(rule("socket", arg(0, "lt", 0, 0))), "can never match", ""},
		{allowing(rule("socket", arg(0, "eq", 1<<32, 0))), "32 bits", "0xffffffff"},
		{allowing(rule("socket", arg(6, "eq", 1, 0))), "no argument 6", "0 to 5"},
		{allowing(rule("socket", arg(0, "is", 1, 0))), `comparison "is"`, "masked_eq"},
		{allowing(rule("clone", arg(0, "masked_eq", 3, 1))), "can never be 0x3", "mask"},
		{allowing(rule("clone", arg(0, "eq", 3, 1))), "a mask with eq", "masked_eq"},
		{allowing(policies.SyscallRule{}), "without a name", "names"},
		{policies.Syscalls{Default: "maybe"}, `"maybe"`, "deny, allow"},
	}
	for _, tt := range tests {
		_, err := Compile(tt.policy)
		if err == nil {
			t.Errorf("%+v compiles", tt.policy)
			continue
		}
		if !strings.Contains(err.Error(), tt.message) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %q, want %q in it", err, tt.message)
		}
		if h := hint.Of(err); h == "" || !strings.Contains(h, tt.hints) {
			t.Errorf("%q: hint %q, want %q in it", err, h, tt.hints)
		}
	}
}

func TestTooManyRulesAreAnError(t *testing.T) {
	var p policies.Syscalls
	for i := range uint64(2000) {
		p.Allow = append(p.Allow, rule("mmap", policies.ArgRule{Index: 1, Op: "eq",
			Value: i << 31}))
	}
	if _, err := Compile(p); err == nil || !strings.Contains(err.Error(), "4096") {
		t.Errorf("got %v", err)
	}
}

func TestAllowsExec(t *testing.T) {
	conditional := rule("execve", policies.ArgRule{Index: 2, Op: "ne", Value: 0})
	for _, tt := range []struct {
		policy policies.Syscalls
		want   bool
	}{
		{allowing(rule("@default")), true},
		{allowing(rule("@basic-io")), false},
		{denying("execve"), false},
		{denying("ptrace"), true},
		{allowing(conditional), false},
	} {
		f, err := Compile(tt.policy)
		if err != nil {
			t.Fatal(err)
		}
		if f.AllowsExec() != tt.want {
			t.Errorf("%+v: AllowsExec is %v", tt.policy, f.AllowsExec())
		}
	}
}

func TestNewerThanLibseccompCanBeAllowedByName(t *testing.T) {
	f, err := Compile(allowing(rule("fchmodat2")))
	if err != nil {
		t.Fatal(err)
	}
	v, err := f.Verdict(nativeAudit(), 452, [6]uint64{})
	if err != nil || !v.Allowed() {
		t.Errorf("fchmodat2: %s %v", v, err)
	}
}

func TestGroups(t *testing.T) {
	names := Groups()
	if !slices.IsSorted(names) || len(names) < 29 {
		t.Errorf("groups %q", names)
	}
	for _, name := range names {
		members, ok := Group(name)
		if !ok || len(members) == 0 || GroupReason(name) == "" {
			t.Errorf("%s: %d members, why %q", name, len(members), GroupReason(name))
		}
	}
	service, _ := Group("@system-service")
	for name, in := range map[string]bool{"openat": true, "execve": true, "fchownat": true,
		"mount": false, "ptrace": false, "bpf": false} {
		if slices.Contains(service, name) != in {
			t.Errorf("@system-service contains %s: %v", name, !in)
		}
	}
	if _, ok := Group("@nonsense"); ok {
		t.Error("@nonsense is a group")
	}
	for _, set := range groupSets() {
		for _, g := range set {
			for _, m := range strings.Fields(g.members) {
				if _, ok := findGroup(m); isGroup(m) && !ok {
					t.Errorf("%s contains the unknown group %s", g.name, m)
				}
			}
		}
	}
}

func TestSyscallNames(t *testing.T) {
	for _, tt := range []struct {
		arch uint32
		nr   int
		want string
	}{{auditAMD64, 83, "mkdir"}, {auditI386, 39, "mkdir"}, {auditAMD64, x32Bit | 83,
		"mkdir"}, {auditARM64, 34, "mkdirat"},
		{auditAMD64, x32Bit | 520, "execve"}, {auditAMD64, 462, "mseal"}, {auditAMD64, -1,
			""}, {auditAMD64, 1 << 20, ""}, {7, 1, ""}} {
		if got, ok := SyscallName(tt.arch, tt.nr); got != tt.want || ok != (tt.want != "") {
			t.Errorf("%#x/%d is %q, want %q", tt.arch, tt.nr, got, tt.want)
		}
	}
}
