package escape

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// state is a sample of what a sandbox must not change on the host.
type state struct {
	files map[string]string
	clock time.Duration // wall clock minus uptime
	masks []os.FileMode
}

var sampled = []string{
	"/proc/sys/kernel/hostname", "/proc/sys/kernel/domainname", "/proc/sys/kernel/core_pattern",
	"/proc/sys/kernel/modprobe", "/proc/sys/kernel/sysrq",
	"/proc/sys/kernel/randomize_va_space", "/proc/sys/user/max_user_namespaces",
	"/proc/sys/user/max_inotify_instances", "/proc/sys/vm/overcommit_memory",
	"/proc/sys/fs/protected_symlinks", "/proc/sys/fs/suid_dumpable",
	"/proc/sys/net/ipv4/ip_forward", "/proc/swaps", "/proc/net/route",
	"/etc/passwd", "/etc/group", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf",
	"/etc/localtime",
}

func hostState(t *testing.T) *state {
	t.Helper()
	s := &state{files: map[string]string{}}
	for _, path := range sampled {
		data, _ := os.ReadFile(path)
		s.files[path] = string(data)
	}
	s.files["mounts"] = strings.Join(mounts(t), "\n")
	for _, path := range []string{"/dev/null", "/dev/zero", "/dev/tty", "/tmp", "/usr", "/"} {
		if st, err := os.Stat(path); err == nil {
			s.masks = append(s.masks, st.Mode())
		}
	}
	up, err := os.ReadFile("/proc/uptime")
	if err != nil {
		t.Fatal(err)
	}
	seconds, _, _ := strings.Cut(string(up), " ")
	uptime, err := time.ParseDuration(seconds + "s")
	if err != nil {
		t.Fatal(err)
	}
	s.clock = time.Duration(time.Now().UnixNano()) - uptime
	return s
}

// mounts of the host, without those that other programs come and go with.
func mounts(t *testing.T) (out []string) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(data), "\n") {
		f := strings.Fields(line)
		if len(f) > 5 && (strings.Count(f[4], "/") == 1 || strings.HasPrefix(f[4], "/usr") ||
			strings.HasPrefix(f[4], "/proc") || strings.HasPrefix(f[4], "/sys")) {
			out = append(out, f[3]+" "+f[4]+" "+f[5])
		}
	}
	return out
}

func (s *state) compare(t *testing.T) {
	t.Helper()
	now := hostState(t)
	for path, was := range s.files {
		if is := now.files[path]; is != was {
			t.Errorf("HOLE: %s of the host has changed\nbefore: %s\nafter:  %s", path, was, is)
		}
	}
	if !slices.Equal(now.masks, s.masks) {
		t.Errorf("HOLE: modes have changed: %v, were %v", now.masks, s.masks)
	}
	if drift := now.clock - s.clock; drift > 2*time.Second || drift < -2*time.Second {
		t.Errorf("HOLE: the clock was set by %v", drift)
	}
}
