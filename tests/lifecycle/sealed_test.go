package lifecycle

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The container's processes could write to the program that made it, through /proc/PID/exe
// (CVE-2019-5736), if that were a file of the user's. It is a sealed stub, and no copy of mcpbox.
func TestAUsersExecutableIsASealedStub(t *testing.T) {
	cmd, _ := box(t, "echo ready; exec sleep 60")
	asUser(t, cmd)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	started(t, cmd)
	exe, err := os.Open(fmt.Sprintf("/proc/%d/exe", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	const all = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	seals, err := unix.FcntlInt(exe.Fd(), unix.F_GET_SEALS, 0)
	if err != nil || seals&all != all {
		t.Errorf("its executable has the seals %#x (%v), not %#x: %s", seals, err, all, &stderr)
	}
	if st, err := exe.Stat(); err != nil || st.Size() > 64<<10 {
		t.Errorf("its executable is no stub: %d bytes, %v", st.Size(), err)
	}
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", cmd.Process.Pid))
	if string(name) != "mcpbox\n" {
		t.Errorf("ps shows it as %q", name)
	}
}

// The resident is executed by mcpbox's path, so the command that starts it is no stub.
func TestAUsersResidentStarts(t *testing.T) {
	for _, how := range []string{"--resident", "MCPBOX_RESIDENT=1"} {
		t.Run(how, func(t *testing.T) {
			cmd := exec.Command(binary, "run", "-q", "--", "true")
			asUser(t, cmd)
			if how == "--resident" {
				cmd.Args = []string{binary, "run", how, "-q", "--", "true"}
			} else {
				cmd.Env = append(cmd.Env, how)
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			ask := func(flag string) error {
				c := exec.Command(cmd.Path, "resident", flag)
				c.Env, c.Dir, c.SysProcAttr = cmd.Env, cmd.Dir, cmd.SysProcAttr
				return c.Run()
			}
			t.Cleanup(func() { _ = ask("--stop") })
			eventually(t, "a resident listens", func() bool { return ask("--status") == nil })
		})
	}
}

// asUser has an ordinary user execute the command, in folders of its own.
func asUser(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "a path with blanks-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		const uid = 4242
		for _, err := range []error{os.Chmod(dir, 0o755), os.Chown(state, uid, uid),
			exec.Command("cp", binary, dir).Run()} {
			if err != nil {
				t.Fatal(err)
			}
		}
		cmd.Path = filepath.Join(dir, filepath.Base(binary))
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+state, "HOME="+state)
	cmd.Dir = "/"
}
