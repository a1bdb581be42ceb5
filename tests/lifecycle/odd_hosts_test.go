package lifecycle

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// Where a start is possible, it comes about; where it is not, the message names the true cause and
// what to do, and doctor says the same.
func TestStartsOnOddHosts(t *testing.T) {
	testhost.Need(t, "root", "sandbox")
	box(t, "")
	folder := t.TempDir()
	for name, c := range map[string]struct {
		around, flags string // a line of sh, with mcpbox for the command
		want          string // of its output
		code          int
	}{
		"no cgroup file system":      {`umount -R -l /sys/fs/cgroup; mcpbox`, "", "1000\n", 0},
		"unshare -r":                 {`unshare -r mcpbox`, "", "1000\n", 0},
		"unshare -r, with a folder":  {`unshare -r mcpbox`, "--workspace " + folder, "1000\n", 0},
		"root without CAP_SYS_ADMIN": {`setpriv --bounding-set -sys_admin mcpbox`, "", "1000\n", 0},
		"root without CAP_SYS_ADMIN, with a folder": {`setpriv --bounding-set -sys_admin mcpbox`,
			"--workspace " + folder,
			"root lacks CAP_SYS_ADMIN here\nmcpbox: hint: give the container", 125},
		"a covered /proc": {`mount -t tmpfs none /proc/sys; mcpbox`, "",
			"as /proc/sys is here\nmcpbox: hint: umount what covers it; a container is started " +
				"with podman --security-opt unmask=all", 125},
	} {
		t.Run(name, func(t *testing.T) {
			run := func(args string) (string, int) {
				line := strings.ReplaceAll(c.around, "mcpbox", binary+" "+args)
				cmd := exec.Command("unshare", "-m", "sh", "-c", line)
				out, _ := cmd.CombinedOutput()
				return string(out), cmd.ProcessState.ExitCode()
			}
			out, code := run("run -q " + c.flags + " -- id -u")
			if code != c.code || !strings.Contains(out, c.want) {
				t.Errorf("exit code %d, want %d; want %q\n%s", code, c.code, c.want, out)
			}
			if c.flags != "" { // doctor binds no folder
				return
			}
			out, code = run("doctor --json")
			var report struct {
				OK    bool
				Items []struct{ Name, Status, Found, Fix string }
			}
			if err := json.Unmarshal([]byte(out), &report); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if report.OK != (c.code == 0) || (code == 0) != report.OK {
				t.Errorf("doctor: exit code %d\n%s", code, out)
			}
			for _, i := range report.Items {
				if i.Name == "start of standard" && i.Status != "ok" && i.Fix == "" {
					t.Errorf("doctor names no remedy: %+v", i)
				}
			}
		})
	}
}

func TestASandboxInASandboxSaysWhatIsWrong(t *testing.T) {
	box(t, "")
	dir, err := os.MkdirTemp("/var/tmp", "mcpbox-nested")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", binary, dir+"/mcpbox").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, inner := range []string{"/box/mcpbox", "env -u MCPBOX /box/mcpbox"} {
		out, _ := exec.Command(binary, "run", "-q", "--mount", dir+":/box:ro", "--", "sh", "-c",
			inner+" run -- true").CombinedOutput()
		if !strings.Contains(string(out), "hint: this already runs inside a sandbox of mcpbox") {
			t.Errorf("%s: %s", inner, out)
		}
	}
}
