package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// stage is the folder that all candidates work with: one minimal root with a static true in it,
// readable by everybody, an OCI bundle over it for runc, and the victim.
type stage struct {
	dir, root, bundle, victim string
	mcpbox                    string // a copy that an ordinary user can execute
	undo                      func()
}

func newStage(mcpbox string) (*stage, error) {
	dir, err := os.MkdirTemp("", "mcpbox-bench-")
	if err != nil {
		return nil, err
	}
	s := &stage{dir: dir, root: filepath.Join(dir, "root"), bundle: filepath.Join(dir, "bundle"),
		mcpbox: filepath.Join(dir, "mcpbox")}
	s.undo = func() { os.RemoveAll(dir) }
	if err := s.fill(mcpbox); err != nil {
		s.undo()
		return nil, err
	}
	return s, nil
}

func (s *stage) fill(mcpbox string) error {
	for _, d := range []string{"", "root/bin", "root/proc", "root/dev", "root/sys", "root/tmp",
		"root/etc", "bundle"} {
		if err := os.MkdirAll(filepath.Join(s.dir, d), 0o755); err != nil {
			return err
		}
	}
	if err := os.Chmod(s.dir, 0o755); err != nil { // MkdirTemp's is 0700
		return err
	}
	source := filepath.Join(s.dir, "true.c")
	if err := os.WriteFile(source, []byte("int main(void){return 0;}\n"), 0o644); err != nil {
		return err
	}
	s.victim = filepath.Join(s.root, "bin", "victim")
	for _, cmd := range []*exec.Cmd{
		exec.Command("cc", "-O2", "-static", "-o", s.trueProgram(), source),
		exec.Command("cc", "-O2", "-static", "-o", s.victim, "tests/bench/victim/victim.c"),
	} {
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, out)
		}
	}
	// In one piece, as the linker has written the pinned runc: see README.md about folios.
	program, err := os.ReadFile(mcpbox)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.mcpbox, program, 0o755); err != nil {
		return err
	}
	config, err := json.Marshal(ociConfig(s.root))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.bundle, "config.json"), config, 0o644)
}

func (s *stage) trueProgram() string { return filepath.Join(s.root, "bin", "true") }

// ociConfig is what `runc spec` writes, for true: five namespaces, no user namespace, no seccomp
// filter.
func ociConfig(root string) map[string]any {
	type object = map[string]any
	mount := func(target, kind, source string, options ...string) object {
		return object{"destination": target, "type": kind, "source": source, "options": options}
	}
	caps := []string{"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"}
	var namespaces []object
	for _, n := range []string{"pid", "network", "ipc", "uts", "mount"} {
		namespaces = append(namespaces, object{"type": n})
	}
	return object{
		"ociVersion": "1.0.2", "hostname": "runc", "root": object{"path": root, "readonly": true},
		"process": object{
			"user": object{"uid": 0, "gid": 0}, "args": []string{"/bin/true"},
			"env": []string{"PATH=/bin"}, "cwd": "/", "noNewPrivileges": true,
			"capabilities": object{"bounding": caps, "effective": caps, "permitted": caps},
			"rlimits":      []object{{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}},
		},
		"mounts": []object{
			mount("/proc", "proc", "proc"),
			mount("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
			mount("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance",
				"ptmxmode=0666", "mode=0620", "gid=5"),
			mount("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777",
				"size=65536k"),
			mount("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
			mount("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
			mount("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime",
				"ro"),
		},
		"linux": object{
			"resources":  object{"devices": []object{{"allow": false, "access": "rwm"}}},
			"namespaces": namespaces,
			"maskedPaths": []string{"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys",
				"/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
				"/sys/firmware", "/proc/scsi"},
			"readonlyPaths": []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
				"/proc/sysrq-trigger"},
		},
	}
}
