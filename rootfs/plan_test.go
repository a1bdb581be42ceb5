package rootfs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/policies"
)

func build(t *testing.T, fs policies.Filesystem) *Plan {
	t.Helper()
	p, err := Build(Config{Filesystem: fs, Disk: 64 << 20, Hostname: "box"})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tree makes folders (ending in /), files and links (a -> b) in a new folder.
func tree(t testing.TB, entries ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, e := range entries {
		name, to, link := strings.Cut(e, " -> ")
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch {
		case link:
			err = os.Symlink(to, path)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		default:
			err = os.WriteFile(path, []byte(name), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func (p *Plan) at(target string) (Mount, bool) {
	i := slices.IndexFunc(p.Mounts, func(m Mount) bool { return m.Target == target && !m.Outer })
	if i < 0 {
		return Mount{}, false
	}
	return p.Mounts[i], true
}

func (p *Plan) file(path string) (File, bool) {
	i := slices.IndexFunc(p.Setup.Files, func(f File) bool { return f.Path == path })
	if i < 0 {
		return File{}, false
	}
	return p.Setup.Files[i], true
}

func TestOnlyTheNeededPartsOfTheHostAreBoundReadOnly(t *testing.T) {
	p := build(t, policies.Filesystem{})
	if m, ok := p.at("/usr"); !ok || !m.ReadOnly || m.Source != "/usr" {
		t.Errorf("/usr is %+v", m)
	}
	for _, m := range p.Mounts {
		if m.Type == "bind" && !m.ReadOnly {
			t.Errorf("%s is bound writable, and nobody asked for it", m.Target)
		}
		if m.Outer {
			continue // cells bind single files from it
		}
		for _, secret := range []string{"/root", "/home", "/var", "/run", "/boot", "/etc", "/sys",
			"/mnt", "/srv"} {
			if _, in := below(m.Target, secret); in {
				t.Errorf("%s of the host is mounted: %+v", secret, m)
			}
		}
	}
	for _, op := range p.Cell {
		for _, secret := range []string{"/etc/shadow", "/etc/ssh", "/etc/ssl/private",
			"/etc/passwd", "/etc/machine-id", "/etc/sudoers"} {
			if _, in := below(op.Source, secret); in {
				t.Errorf("a cell binds %s", op.Source)
			}
		}
		if op.Source == "/etc" || op.Source == "/dev" || op.Source == "/" {
			t.Errorf("a cell binds %s whole", op.Source)
		}
	}
	if f, ok := p.file("/etc/passwd"); !ok || strings.Count(string(f.Data), "\n") != 3 {
		t.Errorf("/etc/passwd is %q: root, user and nobody expected", f.Data)
	}
}

func TestStorageHasTheSizeOfTheDiskLimit(t *testing.T) {
	p := build(t, policies.Filesystem{})
	m, ok := p.at("/")
	if !ok || m.Type != "tmpfs" || !strings.Contains(m.Data, "size=67108864,") ||
		!strings.Contains(m.Data, "nr_inodes=65536") {
		t.Errorf("the storage is %+v", m)
	}
}

func TestTheRootIsSealedLast(t *testing.T) {
	p := build(t, policies.Filesystem{Hidden: []string{"/usr/share"}})
	last := p.Cell[len(p.Cell)-1]
	if last.Target != initproto.Root || last.Flags&unix.MS_RDONLY == 0 ||
		last.Flags&unix.MS_REMOUNT == 0 || last.Optional {
		t.Errorf("the last mount is %+v", last)
	}
}

func TestProcIsMasked(t *testing.T) {
	p := build(t, policies.Filesystem{})
	flags := map[string]uint64{}
	for _, op := range p.Cell {
		flags[strings.TrimPrefix(op.Target, initproto.Root)] = op.Flags
	}
	for _, path := range []string{"/proc/kcore", "/proc/keys", "/proc/kmsg", "/proc/kallsyms",
		"/proc/kpagecount"} {
		if _, ok := flags[path]; !ok {
			t.Errorf("%s is not masked", path)
		}
	}
	for _, path := range []string{"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"} {
		if flags[path]&unix.MS_RDONLY == 0 {
			t.Errorf("%s is not read-only", path)
		}
	}
}

func TestHiddenPathsAreCovered(t *testing.T) {
	data := tree(t, "keys/", "keys/id", "notes.txt")
	p := build(t, policies.Filesystem{
		Mounts: []policies.Mount{{Source: data, Target: "/data", Mode: policies.ReadOnly}},
		Hidden: []string{"/data/keys", "/data/notes.txt", "/data/absent", "/nowhere"},
	})
	kinds := map[string]string{}
	for _, op := range p.Cell {
		kinds[strings.TrimPrefix(op.Target, initproto.Root)] = op.Type + op.Source
	}
	if kinds["/data/keys"] != "tmpfstmpfs" {
		t.Errorf("the hidden folder is covered by %q", kinds["/data/keys"])
	}
	if kinds["/data/notes.txt"] != initproto.Root+"/dev/null" {
		t.Errorf("the hidden file is covered by %q", kinds["/data/notes.txt"])
	}
	for _, absent := range []string{"/data/absent", "/nowhere"} {
		if k, ok := kinds[absent]; ok {
			t.Errorf("%s does not exist and is covered by %q", absent, k)
		}
	}
}

func TestBindsAndFilesOfTheCellCanBeHidden(t *testing.T) {
	p := build(t, policies.Filesystem{Hidden: []string{"/proc/cpuinfo", "/proc/sys",
		"/etc/services", "/etc/passwd", "/etc", "/tmp", "/home"}})
	kinds := map[string]string{}
	for _, op := range p.Cell {
		// the last one is on top
		kinds[strings.TrimPrefix(op.Target, initproto.Root)] = op.Type + op.Source
	}
	want := map[string]string{"/proc/cpuinfo": "file", "/proc/sys": "folder", "/etc/passwd": "file",
		"/etc": "folder", "/tmp": "folder", "/home": "folder"}
	if st, err := os.Lstat("/etc/services"); err == nil && st.Mode().IsRegular() {
		want["/etc/services"] = "file"
	}
	for path, kind := range want {
		if cover := map[string]string{"file": initproto.Root + "/dev/null",
			"folder": "tmpfstmpfs"}[kind]; kinds[path] != cover {
			t.Errorf("%s is covered by %q, want %q", path, kinds[path], cover)
		}
	}
}

func TestWhatTheSandboxNeedsCannotBeHidden(t *testing.T) {
	for _, path := range []string{"/", "/proc", "/dev"} {
		_, err := Build(Config{Filesystem: policies.Filesystem{Hidden: []string{path}}})
		if err == nil || hint.Of(err) == "" {
			t.Errorf("hidden %s: %v", path, err)
		}
	}
}

func TestAUserMountReplacesThePrivateFolder(t *testing.T) {
	dir := tree(t)
	p := build(t, policies.Filesystem{Mounts: []policies.Mount{{Source: dir, Target: Work,
		Mode: policies.ReadWrite}}})
	m, ok := p.at(Work)
	if !ok || m.ReadOnly || !m.User {
		t.Errorf("/work is %+v", m)
	}
	for _, d := range p.Setup.Dirs {
		if d.Path == Work {
			t.Error("/work is a private folder as well")
		}
	}
	if !slices.Contains(p.Access, Access{Path: Work, Right: Write}) {
		t.Error("Landlock would refuse writing to the writable mount")
	}
}

func TestAReadOnlyMountIsReadOnlyForLandlockToo(t *testing.T) {
	dir := tree(t, "f")
	p := build(t, policies.Filesystem{Mounts: []policies.Mount{
		{Source: dir, Target: "/opt/d", Mode: policies.ReadOnly}, {Source: filepath.Join(dir, "f"),
			Target: "/opt/f"}}})
	for _, want := range []Access{{Path: "/opt/d", Right: Read},
		{Path: "/opt/f", Right: Read, File: true}} {
		if !slices.Contains(p.Access, want) {
			t.Errorf("%+v is missing in %+v", want, p.Access)
		}
		if m, _ := p.at(want.Path); !m.ReadOnly {
			t.Errorf("%s is mounted writable: no mode means read-only", want.Path)
		}
	}
}

func TestARootfsFolderReplacesTheHost(t *testing.T) {
	root := tree(t, "usr/bin/", "etc/", "bin -> usr/bin", "proc/", "root/secret", "home/u/",
		"version")
	p := build(t, policies.Filesystem{Rootfs: root})
	if m, ok := p.at("/usr"); !ok || m.Source != root+"/usr" || !m.ReadOnly {
		t.Errorf("/usr is %+v", m)
	}
	if !slices.Contains(p.Setup.Links, Link{Path: "/bin", Target: "usr/bin"}) {
		t.Errorf("/bin is no link: %+v", p.Setup.Links)
	}
	for _, left := range []string{"/root", "/home"} {
		if _, ok := p.at(left); ok {
			t.Errorf("%s of the folder is bound", left)
		}
	}
	if f, ok := p.file("/version"); !ok || string(f.Data) != "version" {
		t.Errorf("the top-level file is %+v", f)
	}
	for _, m := range p.Mounts {
		if m.Source == "/etc" || m.Source == "/usr" {
			t.Errorf("the host's %s is mounted in addition to the folder", m.Source)
		}
	}
}

func TestABadRootfsIsAnErrorWithARemedy(t *testing.T) {
	dir := tree(t, "file", "empty/")
	for _, root := range []string{filepath.Join(dir, "absent"), filepath.Join(dir, "file"),
		filepath.Join(dir, "empty")} {
		_, err := Build(Config{Filesystem: policies.Filesystem{Rootfs: root}})
		if err == nil || hint.Of(err) == "" || !strings.Contains(err.Error(), root) {
			t.Errorf("rootfs %s: %v", root, err)
		}
	}
}
