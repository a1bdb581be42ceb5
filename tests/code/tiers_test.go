package code

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// level is how a snippet is run: a tier, or a tier without its guard, to see what the sandbox does
// alone.
type level struct {
	name string
	args []string
}

func levels(t *testing.T) []level {
	dir := t.TempDir()
	unguarded := func(tier string) string {
		path := filepath.Join(dir, tier+".yaml")
		text := "version: 1\nextends: " + tier + "\nguard: {mode: \"off\"}\n"
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return []level{
		{"standard", []string{"--tier", "standard"}}, {"secure", []string{"--tier", "secure"}},
		{"secure, no guard", []string{"--policy", unguarded("code-secure")}},
	}
}

func (l level) run(t *testing.T, language, code string) result {
	t.Helper()
	return run(t, []byte(code), append(slices.Clone(l.args), "--lang", language, "-")...)
}

// The cases that an agent's code comes to, at each level. -v prints the table.
func TestCasesAtEachTier(t *testing.T) {
	testhost.Need(t, "sandbox", "python3")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	reached := make(chan struct{}, 10)
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			reached <- struct{}{}
			c.Close()
		}
	}()
	connect := fmt.Sprintf(
		"import socket\ntry:\n    socket.create_connection(('127.0.0.1', %d), 2)\n    "+
			"print('connected')\nexcept OSError as e:\n    print('refused')\n",
		listener.Addr().(*net.TCPAddr).Port,
	)
	memory := "x = []\nwhile True: x.append(bytearray(10_000_000))"
	limited := "memory_limit failed signaled" // with rlimits, Python sees the failure first
	for _, c := range []struct {
		name, code, stdout string
		want               [3]string // statuses by level
	}{
		{"computes", "print(sum(i * i for i in " +
			"range(1000)))", "332833500\n", [3]string{"ok", "ok", "ok"}},
		{"starts a program", "import os\nprint(os.system('id -u') == 0)", "", [3]string{"ok",
			"refused", "ok"}},
		{"runs for ever", "while True: pass", "", [3]string{"timeout", "timeout", "timeout"}},
		{"takes all memory", memory, "", [3]string{limited, limited, limited}},
		{"connects to the host", connect, "refused\n", [3]string{"ok", "refused", "ok"}},
		{"reads the host's secrets", "print(open('/etc/shadow').read())", "", [3]string{"failed",
			"refused", "failed"}},
		{"writes to the system", "open('/usr/bin/x', " +
			"'w')", "", [3]string{"failed", "refused", "failed"}},
		{"climbs out of its object",
			"print([c for c in ().__class__.__base__.__subclasses__()][:1])", "", [3]string{"ok",
				"refused", "ok"}},
		{"forks", "import os\nwhile True: os.fork()", "",
			[3]string{"failed pids_limit timeout memory_limit", "refused", "failed"}},
		{"prints for ever", "while True: print('x' * 10000)", "", [3]string{"output_limit",
			"output_limit", "output_limit"}},
		{"fills the disk", "f = open('/tmp/x', 'wb')\nwhile True: f.write(b'x' * 1000000)", "",
			[3]string{"failed disk_limit signaled", "refused", "failed disk_limit signaled"}},
	} {
		for i, l := range levels(t) {
			r := l.run(t, "python", c.code)
			t.Logf("%-26s %-17s %-13s exit %-3d events %d findings %d", c.name, l.name, r.Status,
				r.ExitCode, len(r.Events), len(r.Guard.Findings))
			if !slices.Contains(strings.Fields(c.want[i]), r.Status) || !r.Available {
				t.Errorf("%s, %s: %s, want %s\n%s%s", c.name, l.name, r.Status, c.want[i], r.Reason,
					r.Stderr)
			}
			if r.Status == "ok" && c.stdout != "" && r.Stdout != c.stdout {
				t.Errorf("%s, %s: %q", c.name, l.name, r.Stdout)
			}
			if r.Status == "refused" &&
				(r.ExitCode != 126 || len(r.Guard.Findings) == 0 || r.Stdout != "") {
				t.Errorf("%s, %s: refused with %+v", c.name, l.name, r)
			}
			if strings.Contains(r.Stdout+r.Stderr, "root:") {
				t.Errorf("%s, %s: it read a secret", c.name, l.name)
			}
		}
	}
	select {
	case <-reached:
		t.Error("a snippet reached the host")
	default:
	}
}

// What the guard refuses fails in the sandbox as well, and the events say so.
func TestSecureHoldsWithoutItsGuard(t *testing.T) {
	testhost.Need(t, "sandbox", "python3")
	secure := levels(t)[2]
	code := `
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
calls = {"ptrace": 101, "mount": 165, "unshare": 272, "setns": 308, "reboot": 169, "bpf": 321, "keyctl": 250, "open_by_handle_at": 304,
  "process_vm_readv": 310, "init_module": 175, "kexec_load": 246, "perf_event_open": 298, "userfaultfd": 323, "pivot_root": 155, "chroot": 161,
  "fork": 57, "vfork": 58, "execve": 59, "mknod": 133, "setuid": 105, "io_uring_setup": 425, "name_to_handle_at": 303, "add_key": 248, "swapon": 167}
for name, n in sorted(calls.items()):
    r = libc.syscall(n, 0, 0, 0, 0, 0)
    if r >= 0: print("WORKED", name, r)
r = libc.socket(2, 1, 0)
if r >= 0: print("WORKED socket")
print("end")
`
	r := secure.run(t, "python", code)
	if r.Stdout != "end\n" || r.Status != "ok" {
		t.Errorf("%s: %s%s", r.Status, r.Stdout, r.Stderr)
	}
	seen := map[string]bool{}
	for _, e := range r.Events {
		if e.Syscall != nil {
			seen[e.Syscall.Name] = true
		}
	}
	for _, name := range []string{"ptrace", "mount", "unshare", "setns", "reboot", "bpf", "fork",
		"execve", "setuid", "socket", "io_uring_setup"} {
		if !seen[name] {
			t.Errorf("no event says that %s was refused: %v", name, seen)
		}
	}
}
