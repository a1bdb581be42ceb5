package doctor

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"golang.org/x/sys/unix"
)

func TestEveryShortcomingComesWithItsPrice(t *testing.T) {
	r := Check(t.Context())
	allOK := true
	for _, i := range r.Items {
		if i.Found == "" {
			t.Errorf("%s: says nothing about what was found", i.Name)
		}
		if i.Status != OK && i.Loses == "" {
			t.Errorf("%s: %s, and not what is lost", i.Name, i.Status)
		}
		allOK = allOK && i.Status != Fail
	}
	if r.OK != allOK {
		t.Errorf("ok is %v with %+v", r.OK, r.Items)
	}
}

// Where sandboxes start, one reaches a host by its name.
func TestANetworkByNameIsTried(t *testing.T) {
	testhost.Need(t, "sandbox")
	i := networkByName(t.Context())
	if i.Status != OK || !strings.Contains(i.Found, "reached its host") {
		t.Errorf("%+v", i)
	}
}

func TestProbesLeaveTheProcessAsItWas(t *testing.T) {
	before := confinement(t)
	for range 20 { // it depends on the thread that a probe happens to get
		seccompNotify()
	}
	Check(t.Context())
	if after := confinement(t); after != before {
		t.Errorf("before %q, after %q", before, after)
	}
}

func confinement(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		for _, key := range []string{"NoNewPrivs:", "Seccomp", "Cap"} {
			if strings.HasPrefix(line, key) {
				out = append(out, strings.TrimSpace(line))
			}
		}
	}
	return strings.Join(out, " ")
}

// inUserNamespace runs a helper test of this binary as uid 0 of a new user namespace.
func inUserNamespace(t *testing.T, helper string) Report {
	t.Helper()
	testhost.Need(t, "sandbox")
	cmd := exec.Command(os.Args[0], "-test.run=^"+helper+"$")
	cmd.Env = append(os.Environ(), "MCPBOX_TEST_HELPER="+helper)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var r Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v in %q", err, out)
	}
	return r
}

func (r Report) item(name string) Item {
	for _, i := range r.Items {
		if i.Name == name {
			return i
		}
	}
	return Item{}
}

func TestTheSysctlThatForbidsUserNamespacesIsNamed(t *testing.T) {
	r := inUserNamespace(t, "TestHelperWithoutUserNamespaces")
	i := r.item("user namespaces")
	if r.OK || i.Status != Fail || !strings.Contains(i.Found, "user.max_user_namespaces=0") ||
		!strings.Contains(i.Fix, "sysctl -w user.max_user_namespaces=") {
		t.Errorf("ok %v, %+v", r.OK, i)
	}
	if i := r.item("other namespaces"); i.Status != Fail {
		t.Errorf("%+v", i)
	}
}

func TestHelperWithoutUserNamespaces(t *testing.T) {
	if os.Getenv("MCPBOX_TEST_HELPER") != t.Name() {
		return // not a test, but the child of one
	}
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	printAndExit(Check(t.Context()))
}

func TestTheKindOfNamespaceThatIsForbiddenIsNamed(t *testing.T) {
	r := inUserNamespace(t, "TestHelperWithoutNetworkNamespaces")
	if i := r.item("other namespaces"); i.Status != Fail || !strings.HasPrefix(i.Found, "net: ") ||
		!strings.Contains(i.Fix, "user.max_net_namespaces=") {
		t.Errorf("%+v", i)
	}
	if i := r.item("user namespaces"); i.Status != OK {
		t.Errorf("%+v", i)
	}
}

func TestHelperWithoutNetworkNamespaces(t *testing.T) {
	if os.Getenv("MCPBOX_TEST_HELPER") != t.Name() {
		return // not a test, but the child of one
	}
	if err := os.WriteFile("/proc/sys/user/max_net_namespaces", []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	printAndExit(Check(t.Context()))
}

func printAndExit(r Report) {
	_ = json.NewEncoder(os.Stdout).Encode(r)
	os.Exit(0)
}
