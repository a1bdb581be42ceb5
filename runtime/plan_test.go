package runtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
)

var update = flag.Bool("update", false, "write the golden files anew")

// fakeParent is a host's cgroup that enforces the named limits.
type fakeParent []string

func (f fakeParent) Enforces(policies.Limits) map[string]string {
	out := map[string]string{}
	for _, name := range f {
		out[name] = ""
	}
	return out
}

// rootFolder is a root file system of two folders and a link.
func rootFolder(t *testing.T) string {
	dir := t.TempDir()
	for _, sub := range []string{"usr/bin", "etc"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("usr/bin", filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestPlansMatchTheGoldenFiles(t *testing.T) {
	t.Setenv("LANG", "de_DE.UTF-8")
	t.Setenv("TERM", "xterm")
	all := fakeParent{"memory", "cpus", "pids"}
	for _, c := range []struct {
		name, preset string
		host         host
		change       func(*Spec)
	}{
		{"standard_cgroup2", "standard", host{root: true, landlock: 6, parent: all,
			cgroupPath: "/sys/fs/cgroup/mcpbox"}, nil},
		{"standard_without_cgroup2", "standard", host{root: true}, nil},
		{"maximum", "maximum", host{root: true, landlock: 6, parent: all}, nil},
		{"network_by_name", "standard", host{root: true, landlock: 6}, func(s *Spec) {
			s.Policy.AllowNetwork(policies.NetworkRule{Host: "api.example.org", Ports: []int{443}})
		}},
		{"network_of_the_host", "standard", host{root: true, landlock: 6}, func(s *Spec) {
			s.Policy.Network.Mode = policies.NetworkHost
			s.Policy.Environment.Set = map[string]string{"A": "1", "LANG": "C"}
		}},
		{"cells", "code-standard", host{root: true, landlock: 6}, func(s *Spec) { s.Cells = 3 }},
		{"none", "none", host{root: true, landlock: 6}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := rootFolder(t)
			policy, err := policies.Preset(c.preset)
			if err != nil {
				t.Fatal(err)
			}
			policy.Filesystem.Rootfs = folder
			spec := Spec{Policy: policy}
			if c.change != nil {
				c.change(&spec)
			}
			plan, err := newPlan(spec, c.host)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(plan, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			got = append(bytes.ReplaceAll(got, []byte(folder), []byte("/ROOTFS")), '\n')
			golden := filepath.Join("testdata", "plan_"+c.name+".json")
			if *update {
				if err := os.WriteFile(golden, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("the plan is not that of %s (go test -update writes it): %v\n%s", golden,
					err, got)
			}
		})
	}
}

func TestAPlanFailsIfAStartWouldFail(t *testing.T) {
	policy, err := policies.Preset("maximum")
	if err != nil {
		t.Fatal(err)
	}
	policy.Filesystem.Rootfs = rootFolder(t)
	for name, h := range map[string]host{
		"landlock":      {root: true, parent: fakeParent{"memory", "cpus", "pids"}},
		"cgroup_limits": {root: true, landlock: 6, noCgroup: errors.New("none here")},
	} {
		_, err := newPlan(Spec{Policy: policy}, h)
		if !errors.Is(err, ErrLayer) || !strings.Contains(err.Error(), name) || Hint(err) == "" {
			t.Errorf("without %s: %v, hint %q", name, err, Hint(err))
		}
		if _, err := newPlan(Spec{Policy: policy, BestEffort: true}, h); err != nil {
			t.Errorf("best effort without %s: %v", name, err)
		}
	}
	if _, err := NewPlan(Spec{}); err == nil || Hint(err) == "" {
		t.Errorf("no policy: %v", err)
	}
}

// A started sandbox has the planned layers, limits, variables and mounts.
func TestAStartFollowsThePlan(t *testing.T) {
	testhost.Need(t, "sandbox")
	policy := standard(t)
	policy.Filesystem.Mounts = []policies.Mount{{Source: t.TempDir(), Target: "/opt/data"}}
	spec := Spec{Policy: policy, BestEffort: true}
	plan, err := NewPlan(spec)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := Command{Args: []string{"/usr/bin/env"}, Env: []string{"MINE=1"}, Stdout: &out}
	res, err := run(t.Context(), spec, cmd, privateState(t))
	if err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(res.Layers, plan.Layers) {
		t.Errorf("layers %v, planned %v", res.Layers, plan.Layers)
	}
	if !maps.Equal(res.Limits, plan.Limits) {
		t.Errorf("limits %v, planned %v", res.Limits, plan.Limits)
	}
	if res.IDMap != plan.IDMap.Kind {
		t.Errorf("ids %q, planned %q", res.IDMap, plan.IDMap.Kind)
	}
	var names []string
	for _, v := range plan.EnvironmentOf(cmd) {
		names = append(names, v.Name)
	}
	var got []string
	for line := range strings.Lines(out.String()) {
		name, _, _ := strings.Cut(line, "=")
		got = append(got, name)
	}
	slices.Sort(got)
	if !slices.Equal(got, names) {
		t.Errorf("environment %v, planned %v", got, names)
	}
	out.Reset()
	mounts := Command{Args: []string{"/usr/bin/cat", "/proc/self/mountinfo"}, Stdout: &out}
	if _, err := run(t.Context(), spec, mounts, privateState(t)); err != nil {
		t.Fatal(err)
	}
	last := mountsOf(out.String())
	planned, kinds := map[string]string{}, map[string]string{}
	for _, m := range plan.Mounts {
		planned[m.Path], kinds[m.Path] = m.Access, m.Kind
	}
	for path, access := range last {
		if planned[path] != access &&
			kinds[path] != "masked" { // masked by a device, which stores nothing
			t.Errorf("%s is mounted %s, planned %q", path, access, planned[path])
		}
	}
	for path := range planned {
		_, err := os.Stat(path)
		if _, ok := last[path]; !ok && (err == nil || path == "/opt/data" || path == "/work") {
			t.Errorf("%s was planned and is not mounted", path)
		}
	}
}

// mountsOf returns ro or rw by mount point. The later of two mounts at one path is visible.
// proc_pid_mountinfo(5)
func mountsOf(mountinfo string) map[string]string {
	last := map[string]string{}
	for line := range strings.Lines(mountinfo) {
		f := strings.Fields(line)
		last[f[4]], _, _ = strings.Cut(f[5], ",")
	}
	return last
}
