package runtime

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
)

func openBox(t *testing.T, p *policies.Policy) *Sandbox {
	t.Helper()
	testhost.Need(t, "sandbox")
	spec := Spec{Policy: p, BestEffort: true, Cells: 4, Open: true}
	box, err := start(t.Context(), spec, privateState(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { box.Close() })
	return box
}

// folder makes one with a file, and opens it.
func folder(t *testing.T, content string) (dir string, opened *os.File) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	opened = os.NewFile(uintptr(fd), dir)
	t.Cleanup(func() { opened.Close() })
	return dir, opened
}

// The cells are built before anybody knows the folder. Each call sees its own one, as it would see
// a mount of the policy's.
func TestACallBringsItsWorkspace(t *testing.T) {
	box := openBox(t, standard(t))
	for _, name := range []string{"one", "other"} {
		dir, opened := folder(t, name)
		var out bytes.Buffer
		cmd := sh(`cat file; touch made; mkdir -p d/e; stat -c %u . file made; ls /work; ` +
			`cat /proc/self/mountinfo | grep ' /work ' | tail -1`)
		cmd.Stdout, cmd.Workspace = &out, &Workspace{Folder: opened}
		res := inCell(t, box, cmd)
		fields := strings.Fields(strings.TrimPrefix(out.String(), name))
		if !strings.HasPrefix(out.String(), name) || !res.Success || len(fields) < 12 ||
			strings.Join(fields[:6], " ") != "1000 1000 1000 d file made" ||
			!strings.Contains(out.String(), "rw,nosuid,nodev") {
			t.Errorf("%s: %q, %+v", name, out.String(), res)
		}
		st, err := os.Stat(filepath.Join(dir, "made"))
		if err != nil {
			t.Fatal(err)
		}
		if st.Sys().(*syscall.Stat_t).Uid != uint32(os.Getuid()) {
			t.Errorf("the new file belongs to %d", st.Sys().(*syscall.Stat_t).Uid)
		}
	}
	var out bytes.Buffer
	cmd := sh("ls -A /work")
	cmd.Stdout = &out
	if inCell(t, box, cmd); out.Len() > 0 {
		t.Errorf("a call without a workspace sees %q", out.String())
	}
}

// Nothing leads out of a workspace, and a read-only one can't be written.
func TestAWorkspaceHoldsItsCall(t *testing.T) {
	box := openBox(t, standard(t))
	dir, opened := folder(t, "mine")
	outside := filepath.Join(filepath.Dir(dir), "outside")
	if err := os.Mkdir(outside, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := sh(`cat file && ! touch new && ! rm file && ! touch link/x && ! ls /work/../outside && ` +
		`! umount /work && ! mount -o remount,rw /work`)
	cmd.Stderr, cmd.Workspace = &stderr, &Workspace{Folder: opened, ReadOnly: true}
	if res := inCell(t, box, cmd); !res.Success {
		t.Errorf("%+v\n%s", res, stderr.String())
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("outside: %v, %v", left, err)
	}
	// A file that a setuid program could be made of is no such program outside.
	cmd = sh("cp /bin/true tool && chmod 6755 tool")
	cmd.Workspace = &Workspace{Folder: opened}
	inCell(t, box, cmd)
	if st, err := os.Stat(filepath.Join(dir, "tool")); err == nil && st.Mode()&os.ModeSetuid != 0 {
		t.Errorf("a setuid file was left: %s", st.Mode())
	}
}

func TestOnlyOpenCellsTakeAWorkspace(t *testing.T) {
	_, opened := folder(t, "x")
	closed := cellBox(t, standard(t))
	cell := builtCell(t, closed)
	defer cell.Close()
	cmd := sh("true")
	cmd.Workspace = &Workspace{Folder: opened}
	if _, err := cell.Start(t.Context(), cmd); err == nil || Hint(err) == "" {
		t.Error(err)
	}
	if _, err := startBox(t, standard(t)).Start(t.Context(), cmd); err == nil || Hint(err) == "" {
		t.Error(err)
	}
	if _, err := Start(t.Context(), Spec{Policy: standard(t), Open: true}); err == nil {
		t.Error("open cells without cells")
	}
	// A file, and a file system without a map of owners.
	box := openBox(t, standard(t))
	for _, path := range []string{"/etc/hostname", "/proc"} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cell := builtCell(t, box)
		cmd.Workspace = &Workspace{Folder: f}
		p, err := cell.Start(t.Context(), cmd)
		if err == nil {
			_, _ = p.Wait()
		}
		switch {
		case path == "/etc/hostname" && !errors.Is(err, unix.ENOTDIR):
			t.Errorf("%s: %v", path, err)
		case path == "/proc" && os.Geteuid() == 0 && !errors.Is(err, ErrWorkspace):
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestSplitWorkspace(t *testing.T) {
	work := policies.Mount{Source: "/a", Target: "/work", Mode: policies.ReadWrite}
	data := policies.Mount{Source: "/b", Target: "/opt/b"}
	inside := policies.Mount{Source: "/c", Target: "/work/c"}
	for name, c := range map[string]struct {
		fs   policies.Filesystem
		want bool
	}{
		"alone":       {policies.Filesystem{Mounts: []policies.Mount{work}}, true},
		"with others": {policies.Filesystem{Mounts: []policies.Mount{data, work}}, true},
		"none":        {policies.Filesystem{Mounts: []policies.Mount{data}}, false},
		"one inside":  {policies.Filesystem{Mounts: []policies.Mount{work, inside}}, false},
		"a hidden path": {policies.Filesystem{Mounts: []policies.Mount{work},
			Hidden: []string{"/work/.env"}}, false},
		"hidden outside": {policies.Filesystem{Mounts: []policies.Mount{work},
			Hidden: []string{"/etc/ssl"}}, true},
		"a folder in it": {policies.Filesystem{Mounts: []policies.Mount{work},
			Folders: []string{"/work/out"}}, false},
	} {
		p := &policies.Policy{Filesystem: c.fs}
		rest, m, ok := SplitWorkspace(p)
		if ok != c.want {
			t.Errorf("%s: %v", name, ok)
		}
		if ok && (m != work || len(rest.Filesystem.Mounts) != len(c.fs.Mounts)-1) {
			t.Errorf("%s: %+v, %+v", name, m, rest.Filesystem.Mounts)
		}
		if len(p.Filesystem.Mounts) != len(c.fs.Mounts) {
			t.Errorf("%s: the policy has changed", name)
		}
	}
}

// The pty is one of the cell's own devpts, and the program's controlling terminal.
func TestACallInAnOpenCellCanHaveATerminal(t *testing.T) {
	box := openBox(t, standard(t))
	var out bytes.Buffer
	cmd := sh(`tty; stty size; test -t 0 && test -t 1 && test -t 2 && echo tty; read x; ` +
		`echo "got $x" > /dev/tty; exit 3`)
	cmd.TTY, cmd.Rows, cmd.Cols = true, 33, 99
	cmd.Stdin, cmd.Stdout = strings.NewReader("hello\n"), &out
	if res := inCell(t, box, cmd); res.ExitCode != 3 {
		t.Errorf("%+v", res)
	}
	text := strings.ReplaceAll(out.String(), "\r\n", "\n")
	for _, want := range []string{"/dev/pts/0\n", "33 99\ntty\n", "got hello\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
}

// In mcpbox's own folders are the sockets of the resident and the roots of other sandboxes. A call
// can't bring a folder that contains one, or is one: the policy's mounts hide them.
func TestAWorkspaceNeverShowsMcpboxsOwnFolders(t *testing.T) {
	box := openBox(t, standard(t))
	own := box.opts.stateDir
	for _, dir := range []string{own, filepath.Dir(own)} {
		f, err := os.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cell := builtCell(t, box)
		cmd := sh("true")
		cmd.Workspace = &Workspace{Folder: f, ReadOnly: true}
		p, err := cell.Start(t.Context(), cmd)
		if err == nil {
			_, _ = p.Wait()
			t.Errorf("%s was mounted", dir)
		} else if errors.Is(err, ErrWorkspace) != (dir != own) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}
