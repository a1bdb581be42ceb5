package rights

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

func TestMain(m *testing.M) {
	if os.Getenv("RIGHTS_SAY") != "" {
		if Root() {
			os.Stdout.WriteString("root\n")
		} else {
			os.Stdout.WriteString("not root: " + strings.Join(Missing(), " ") + "\n")
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestRootIsDecidedByCapabilitiesAndIDs(t *testing.T) {
	testhost.Need(t, "root", "sandbox")
	for _, c := range []struct{ around, want string }{
		{"env", "root\n"},
		{"unshare -r", "not root: \n"},
		{"setpriv --bounding-set -sys_admin", "not root: CAP_SYS_ADMIN\n"},
		{"setpriv --reuid 65534 --clear-groups", "not root: CAP_SYS_ADMIN"},
	} {
		args := append(strings.Fields(c.around), "/proc/self/exe")
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		if args[len(args)-1] = self; strings.Contains(c.around, "65534") {
			args[len(args)-1] = copyOf(t, self)
		}
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "RIGHTS_SAY=1")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), c.want) {
			t.Errorf("%s: %q, %v; want %q", c.around, out, err, c.want)
		}
	}
}

// copyOf copies a program so that everybody may execute it.
func copyOf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "rights")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/rights", data, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir + "/rights"
}
