package policies

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

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

func TestInheritance(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "base.yaml", "version: 1\nextends: standard\ndescription: the base\nlimits: "+
		"{memory: 1GiB}\nenvironment: {set: {A: 1, B: two}}\nfilesystem: {mounts: [{source: "+
		"./notes, target: /notes}]}\n")
	write(t, dir, "sub/child.yaml", "version: 1\nextends: ../base.yaml\nlimits: {pids: "+
		"0}\nsyscalls: {allow: [ptrace]}\nenvironment: {\"!pass\": [HOME], set: {B: "+
		"three}}\nfilesystem: {mounts: [{source: ., target: /work, mode: rw}]}\n")
	p, err := Load(filepath.Join(dir, "sub/child.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	standard, _ := Preset("standard")
	if p.Name != "child" || p.Description != "" || p.Extends != "" {
		t.Errorf("name %q, description %q and extends %q are a document's own", p.Name,
			p.Description, p.Extends)
	}
	if p.Limits.Memory != 1<<30 || p.Limits.PIDs != 0 || p.Limits.CPUs != 1 {
		t.Errorf("limits: %+v", p.Limits)
	}
	calls := append(standard.Syscalls.Allow, SyscallRule{Names: []string{"ptrace"}})
	if !reflect.DeepEqual(p.Syscalls.Allow, calls) {
		t.Error("a list does not add to the inherited one")
	}
	if !slices.Equal(p.Environment.Pass, []string{"HOME"}) {
		t.Errorf(`"!pass" leaves %v`, p.Environment.Pass)
	}
	variables := map[string]string{"A": "1", "B": "three"}
	if !reflect.DeepEqual(p.Environment.Set, variables) {
		t.Errorf("maps merge to %v; want %v", p.Environment.Set, variables)
	}
	want := []Mount{{filepath.Join(dir, "notes"), "/notes", ReadOnly},
		{filepath.Join(dir, "sub"), "/work", ReadWrite}}
	if !reflect.DeepEqual(p.Filesystem.Mounts, want) {
		t.Errorf("each file's sources are relative to its own folder: got %v, want %v",
			p.Filesystem.Mounts, want)
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
		write(t, dir, "deep"+string(rune('a'+i))+".yaml",
			"extends: ./deep"+string(rune('a'+i+1))+".yaml\n")
	}
	if err := os.Symlink("self.yaml", filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"self.yaml":  "self.yaml:1:10: the policy extends itself",
		"link.yaml":  "the policy extends itself",
		"a.yaml":     "b.yaml:1:10: extends forms a cycle: a.yaml → b.yaml → a.yaml",
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
	p := mustParse(t, "extends: standard\nfilesystem: {mounts: [{source: ~/notes, target: "+
		"/notes}]}\n")
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
	p := mustParse(t, "{\n\t\"extends\": \"standard\",\n\t\"limits\": {\"memory\": "+
		"\"1GiB\"},\n\t\"syscalls\": {\"allow\": [{\"names\": [\"ioctl\"], \"args\": "+
		"[{\"index\": 1, \"op\": \"eq\", \"value\": \"TIOCSTI\"}]}]}\n}\n")
	last := p.Syscalls.Allow[len(p.Syscalls.Allow)-1]
	if p.Limits.Memory != 1<<30 || last.Args[0].Value != 0x5412 {
		t.Errorf("got %v, %v", p.Limits.Memory, last)
	}
}

func TestJSONFromElsewhereReadsNoFiles(t *testing.T) {
	var p Policy
	err := json.Unmarshal([]byte(`{"extends": "standard", "limits": {"pids": 7}}`), &p)
	if err != nil || p.Limits.PIDs != 7 || p.Limits.Memory == 0 {
		t.Fatalf("%v, %+v", err, p.Limits)
	}
	file := write(t, t.TempDir(), "x.yaml", "extends: standard\n")
	if err := json.Unmarshal([]byte(`{"extends": "`+file+`"}`), &p); err == nil ||
		!strings.Contains(err.Error(), "may not be read") {
		t.Errorf("a policy from elsewhere made us read %s: %v", file, err)
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
