package policies

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
)

func TestGeneratedPresetsAreTheirSources(t *testing.T) {
	for _, name := range PresetNames() {
		source, err := PresetSource(name)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := Parse(source, name)
		if err != nil {
			t.Fatal(err)
		}
		generated, err := Preset(name)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(parsed, generated) {
			t.Errorf("%s: presets_gen.go is stale: run go generate ./policies", name)
		}
		if parsed.Name != name {
			t.Errorf("preset %s calls itself %s", name, parsed.Name)
		}
	}
}

func TestPresetsDoNotShareMemory(t *testing.T) {
	a, _ := Preset("standard")
	a.Syscalls.Allow[0].Names[0] = "changed"
	if b, _ := Preset("standard"); b.Syscalls.Allow[0].Names[0] == "changed" {
		t.Error("a change to one policy shows in another")
	}
}

func TestPresetsKeepTheContractsLimits(t *testing.T) {
	for name, want := range map[string]Limits{
		"none":  {},
		"basic": {},
		"browser": {Memory: 2 << 30, CPUs: 2, PIDs: 512, Disk: 1 << 30, FileSize: 256 << 20,
			OpenFiles: 8192},
		"standard": {Memory: 512 << 20, CPUs: 1, PIDs: 128, Disk: 256 << 20, FileSize: 256 << 20,
			OpenFiles: 1024},
		"strict": {Memory: 256 << 20, CPUs: 0.5, PIDs: 64, Disk: 100 << 20, FileSize: 10 << 20,
			OpenFiles: 256},
		"maximum": {Memory: 128 << 20, CPUs: 0.5, PIDs: 16, Disk: 16 << 20, FileSize: 1 << 20,
			OpenFiles: 64},
	} {
		if p, _ := Preset(name); !reflect.DeepEqual(p.Limits, want) {
			t.Errorf("%s: %+v; want %+v", name, p.Limits, want)
		}
	}
}

func TestEveryPresetLetsAProcessStartAndEnd(t *testing.T) {
	for _, name := range PresetNames() {
		p, _ := Preset(name)
		for _, call := range []string{"read", "write", "close", "exit", "exit_group",
			"rt_sigreturn", "restart_syscall"} {
			if p.Isolation == IsolationSandbox && p.Allows(call) != Yes {
				t.Errorf("%s does not allow %s by name", name, call)
			}
		}
	}
}

func TestArgumentRulesOfPresetsGiveTheirReason(t *testing.T) {
	for _, name := range PresetNames() {
		p, _ := Preset(name)
		for _, r := range slices.Concat(p.Syscalls.Allow, p.Syscalls.Deny) {
			if len(r.Args) > 0 && r.Why == "" {
				t.Errorf("%s: %s has no why", name, r)
			}
			if slices.Contains(r.Names, "clone3") {
				t.Errorf("%s lists clone3, which seccomp answers with ENOSYS", name)
			}
		}
	}
}

func TestStricterPresetsAllowLess(t *testing.T) {
	order := []string{"basic", "standard", "strict", "maximum"}
	for i, call := range []string{"execve", "mq_open", "shmget", "vfork", "connect"} {
		groups := []string{"@default"}
		for j := 1; j < len(order); j++ {
			open, _ := Preset(order[j-1])
			closed, _ := Preset(order[j])
			if open.Allows(call, groups...) < closed.Allows(call, groups...) {
				t.Errorf("%d: %s allows %s, %s does not", i, order[j], call, order[j-1])
			}
		}
	}
	for _, call := range []string{"ptrace", "mount", "unshare", "setns", "bpf", "keyctl",
		"init_module", "process_vm_readv", "open_by_handle_at", "userfaultfd", "perf_event_open",
		"io_uring_setup",
		"kexec_load", "reboot"} {
		for _, name := range order[1:] {
			if p, _ := Preset(name); p.Allows(call, "@process", "@debug", "@mount", "@module",
				"@ipc", "@aio", "@keyring", "@reboot", "@privileged", "@system-service") != No {
				t.Errorf("%s allows %s", name, call)
			}
		}
	}
}

func TestPoliciesSurviveYAMLAndJSON(t *testing.T) {
	for _, name := range PresetNames() {
		p, _ := Preset(name)
		fromYAML, err := Parse(p.YAML(), "x")
		if err != nil {
			t.Fatalf("%v\n%s", err, p.YAML())
		}
		if !reflect.DeepEqual(p, fromYAML) {
			t.Errorf("%s changes by YAML: %v", name, Diff(p, fromYAML))
		}
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var fromJSON Policy
		if err := json.Unmarshal(data, &fromJSON); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(p, &fromJSON) {
			t.Errorf("%s changes by JSON: %v", name, Diff(p, &fromJSON))
		}
	}
}
