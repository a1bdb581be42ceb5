package policies

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/mcpbox/mcpbox/internal/hint"
)

func mustParse(t *testing.T, text string) *Policy {
	t.Helper()
	p, err := Parse([]byte(text), filepath.Join(t.TempDir(), "test.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSizesAreRead(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "64k": 64 << 10, "64K": 64 << 10, "256MiB": 256 << 20, "256 MiB": 256 << 20, "1GB": 1e9, "1gb": 1e9, "1.5GiB": 3 << 29,
		"1b": 1, "2T": 2 << 40, "7EiB": 7 << 60, "9223372036854775807": math.MaxInt64, "0.5k": 512,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "-1k", "8EiB", "9223372036854775808", "1.5", "0.1k", "1/2", "1e3", "0x10", "1 2", "1XB", "1iB", "..5", "1.", "١k"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d; want an error", text, got)
		}
	}
}

func TestSizesArePrintedForPeople(t *testing.T) {
	for size, want := range map[Size]string{0: "0", 1: "1", 1000: "1kB", 1024: "1KiB", 1536: "1536", 256 << 20: "256MiB", 1e9: "1GB", 3 << 29: "1536MiB", 64000: "64kB"} {
		if got := size.String(); got != want {
			t.Errorf("Size(%d) prints as %s; want %s", int64(size), got, want)
		}
	}
}

func TestDurationsAreRead(t *testing.T) {
	for text, want := range map[string]string{"30s": "30s", "90": "1m30s", "1.5": "1.5s", "2m": "2m", "1h": "1h", "1h30m": "1h30m", "250ms": "250ms", "0": "0s"} {
		if got, err := ParseDuration(text); err != nil || got.String() != want {
			t.Errorf("ParseDuration(%q) = %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1s", "-1", "1d", "soon", "9999999999999s", "1e3", "99999999999999999999"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %s; want an error", text, got)
		}
	}
}

func TestQuantitiesSurviveJSON(t *testing.T) {
	var l Limits
	if err := json.Unmarshal([]byte(`{"memory": "256MiB", "disk": 1024, "timeout": "30s", "cpu_time": 1.5}`), &l); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(l)
	if want := `{"memory":"256MiB","timeout":"30s","cpu_time":"1.5s","disk":"1KiB"}`; err != nil || string(data) != want {
		t.Errorf("got %s, %v; want %s", data, err, want)
	}
}

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
		"none":     {},
		"basic":    {},
		"standard": {Memory: 512 << 20, CPUs: 1, PIDs: 128, Disk: 256 << 20, FileSize: 256 << 20, OpenFiles: 1024},
		"strict":   {Memory: 256 << 20, CPUs: 0.5, PIDs: 64, Disk: 100 << 20, FileSize: 10 << 20, OpenFiles: 256},
		"maximum":  {Memory: 128 << 20, CPUs: 0.5, PIDs: 16, Disk: 16 << 20, FileSize: 1 << 20, OpenFiles: 64},
	} {
		if p, _ := Preset(name); !reflect.DeepEqual(p.Limits, want) {
			t.Errorf("%s: %+v; want %+v", name, p.Limits, want)
		}
	}
}

func TestEveryPresetLetsAProcessStartAndEnd(t *testing.T) {
	for _, name := range PresetNames() {
		p, _ := Preset(name)
		for _, call := range []string{"read", "write", "close", "exit", "exit_group", "rt_sigreturn", "restart_syscall"} {
			if p.Isolation == IsolationSandbox && verdict(p, call) != yes {
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
			if verdict(open, call, groups...) < verdict(closed, call, groups...) {
				t.Errorf("%d: %s allows %s, %s does not", i, order[j], call, order[j-1])
			}
		}
	}
	for _, call := range []string{"ptrace", "mount", "unshare", "setns", "bpf", "keyctl", "init_module", "process_vm_readv", "open_by_handle_at", "userfaultfd", "perf_event_open", "io_uring_setup", "kexec_load", "reboot"} {
		for _, name := range order[1:] {
			if p, _ := Preset(name); verdict(p, call, "@process", "@debug", "@mount", "@module", "@ipc", "@aio", "@keyring", "@reboot", "@privileged", "@system-service") != no {
				t.Errorf("%s allows %s", name, call)
			}
		}
	}
}

func TestInheritance(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "base.yaml", "version: 1\nextends: standard\ndescription: the base\nlimits: {memory: 1GiB}\nenvironment: {set: {A: 1, B: two}}\nfilesystem: {mounts: [{source: ./notes, target: /notes}]}\n")
	write(t, dir, "sub/child.yaml", "version: 1\nextends: ../base.yaml\nlimits: {pids: 0}\nsyscalls: {allow: [ptrace]}\nenvironment: {\"!pass\": [HOME], set: {B: three}}\nfilesystem: {mounts: [{source: ., target: /work, mode: rw}]}\n")
	p, err := Load(filepath.Join(dir, "sub/child.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	standard, _ := Preset("standard")
	if p.Name != "child" || p.Description != "" || p.Extends != "" {
		t.Errorf("name %q, description %q and extends %q are a document's own", p.Name, p.Description, p.Extends)
	}
	if p.Limits.Memory != 1<<30 || p.Limits.PIDs != 0 || p.Limits.CPUs != 1 {
		t.Errorf("limits: %+v", p.Limits)
	}
	if want := append(standard.Syscalls.Allow, SyscallRule{Names: []string{"ptrace"}}); !reflect.DeepEqual(p.Syscalls.Allow, want) {
		t.Error("a list does not add to the inherited one")
	}
	if !slices.Equal(p.Environment.Pass, []string{"HOME"}) {
		t.Errorf(`"!pass" leaves %v`, p.Environment.Pass)
	}
	if want := map[string]string{"A": "1", "B": "three"}; !reflect.DeepEqual(p.Environment.Set, want) {
		t.Errorf("maps merge to %v; want %v", p.Environment.Set, want)
	}
	want := []Mount{{filepath.Join(dir, "notes"), "/notes", ReadOnly}, {filepath.Join(dir, "sub"), "/work", ReadWrite}}
	if !reflect.DeepEqual(p.Filesystem.Mounts, want) {
		t.Errorf("each file's sources are relative to its own folder: got %v, want %v", p.Filesystem.Mounts, want)
	}
}

func TestInheritanceThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "self.yaml", "extends: self.yaml\n")
	write(t, dir, "a.yaml", "extends: ./b.yaml\n")
	write(t, dir, "b.yaml", "extends: a.yaml\n")
	write(t, dir, "lost.yaml", "version: 1\nextends: ./gone.yaml\n")
	write(t, dir, "typo.yaml", "extends: standart\n")
	for i := range 12 {
		write(t, dir, "deep"+string(rune('a'+i))+".yaml", "extends: ./deep"+string(rune('a'+i+1))+".yaml\n")
	}
	if err := os.Symlink("self.yaml", filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"self.yaml":  "self.yaml:1:10: the policy extends itself",
		"link.yaml":  "the policy extends itself",
		"a.yaml":     "b.yaml:1:10: extends goes in a circle: a.yaml → b.yaml → a.yaml",
		"lost.yaml":  "lost.yaml:2:10: extends: policy file " + dir + "/gone.yaml does not exist",
		"typo.yaml":  `typo.yaml:1:10: extends: unknown preset "standart"`,
		"deepa.yaml": "extends is more than 8 policies deep",
	} {
		_, err := Load(filepath.Join(dir, file))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", file, err, want)
		} else if hint.Of(err) == "" {
			t.Errorf("%s: no hint", file)
		}
	}
}

func TestHomeExpandsInMountSources(t *testing.T) {
	t.Setenv("HOME", "/home/someone")
	p := mustParse(t, "extends: standard\nfilesystem: {mounts: [{source: ~/notes, target: /notes}]}\n")
	if got := p.Filesystem.Mounts[0].Source; got != "/home/someone/notes" {
		t.Errorf("~/notes became %s", got)
	}
}

func TestUnknownPresetNamesTheNearest(t *testing.T) {
	for _, ask := range []func(string) (*Policy, error){Preset, Resolve} {
		_, err := ask("stirct")
		if err == nil || !strings.Contains(hint.Of(err), "did you mean strict?") {
			t.Errorf("%v, hint %q", err, hint.Of(err))
		}
	}
}

func TestJSONPoliciesAreRead(t *testing.T) {
	p := mustParse(t, "{\n\t\"extends\": \"standard\",\n\t\"limits\": {\"memory\": \"1GiB\"},\n\t\"syscalls\": {\"allow\": [{\"names\": [\"ioctl\"], \"args\": [{\"index\": 1, \"op\": \"eq\", \"value\": \"TIOCSTI\"}]}]}\n}\n")
	last := p.Syscalls.Allow[len(p.Syscalls.Allow)-1]
	if p.Limits.Memory != 1<<30 || last.Args[0].Value != 0x5412 {
		t.Errorf("got %v, %v", p.Limits.Memory, last)
	}
}

func TestJSONFromElsewhereReadsNoFiles(t *testing.T) {
	var p Policy
	if err := json.Unmarshal([]byte(`{"extends": "standard", "limits": {"pids": 7}}`), &p); err != nil || p.Limits.PIDs != 7 || p.Limits.Memory == 0 {
		t.Fatalf("%v, %+v", err, p.Limits)
	}
	file := write(t, t.TempDir(), "x.yaml", "extends: standard\n")
	if err := json.Unmarshal([]byte(`{"extends": "`+file+`"}`), &p); err == nil || !strings.Contains(err.Error(), "may not be read") {
		t.Errorf("a policy from elsewhere made us read %s: %v", file, err)
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

func TestSchemaIsCheckedInAndAcceptsThePresets(t *testing.T) {
	checkedIn, err := os.ReadFile("../docs/policy-schema.json")
	if err != nil || string(checkedIn) != string(Schema()) {
		t.Fatalf("docs/policy-schema.json is stale: run go generate ./policies (%v)", err)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(checkedIn, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range PresetNames() {
		p, _ := Preset(name)
		data, _ := json.Marshal(p)
		var instance any
		if err := json.Unmarshal(data, &instance); err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(instance); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{`{"limts": {}}`, `{"limits": {"memory": "1XB"}}`, `{"network": {"mode": "lan"}}`, `{"syscalls": {"allow": [{"why": "x"}]}}`} {
		var instance any
		_ = json.Unmarshal([]byte(bad), &instance)
		if resolved.Validate(instance) == nil {
			t.Errorf("the schema accepts %s", bad)
		}
	}
}

func TestDiffTellsWhatChanged(t *testing.T) {
	a := mustParse(t, "extends: standard\nenvironment: {set: {A: a}}\n")
	b := mustParse(t, "extends: standard\nlimits: {memory: 1GiB, cpus: 0}\nsyscalls: {allow: [ptrace]}\nenvironment: {\"!pass\": [LANG], set: {A: b}}\nnetwork: {mode: host}\n")
	var got []string
	for _, c := range Diff(a, b) {
		got = append(got, c.String())
	}
	want := []string{
		"- environment.pass: LC_ALL", "- environment.pass: LC_CTYPE", "- environment.pass: NO_COLOR", "- environment.pass: TERM", "- environment.pass: TZ",
		"~ environment.set.A: a → b", "~ limits.cpus: 1 → (unset)", "~ limits.memory: 512MiB → 1GiB", "~ network.mode: none → host", "+ syscalls.allow: ptrace",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if changes := Diff(a, a); changes != nil {
		t.Errorf("a policy differs from itself: %v", changes)
	}
}

func TestExplainAnswersWhatPeopleAsk(t *testing.T) {
	for name, want := range map[string][]string{
		"none":     {"the tool runs bare"},
		"basic":    {"shares the host's network", "can: start other programs", "cannot: debug other processes", "nothing is required"},
		"standard": {"can open sockets: local (Unix), IPv4, IPv6", "cannot reach any network", "memory: 512MiB", "can: start other programs", "refused: types into the caller's terminal"},
		"strict":   {"cannot: start other programs, create child processes", "cannot open sockets: IPv4, IPv6", "timeout of mcpbox code: 10s"},
		"maximum":  {"cannot open any socket", "an attempt kills the sandbox", "openat: only for: opens for reading"},
	} {
		p, _ := Preset(name)
		text := Explain(p)
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %q is missing in\n%s", name, w, text)
			}
		}
	}
}

func TestValidateSeesWhatFlagsMayBreak(t *testing.T) {
	p, _ := Preset("standard")
	p.Limits.Memory, p.Network.Mode = -1, "lan"
	p.Filesystem.Mounts = []Mount{{Source: "/srv", Target: "/proc/self"}}
	var list *Error
	if err := p.Validate(); !errors.As(err, &list) || len(list.Problems) != 3 {
		t.Errorf("got %v; want three problems", err)
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
