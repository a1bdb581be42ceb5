package rootfs

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

func mountErr(mounts ...policies.Mount) error {
	_, err := Build(Config{Filesystem: policies.Filesystem{Mounts: mounts}})
	return err
}

func TestTargetsThatAreNotMountPointsAreRefused(t *testing.T) {
	dir := tree(t)
	for _, target := range []string{"/", "relative", "", "/opt/../etc", "/opt//x", "/opt/",
		"/./opt", "/proc", "/proc/self", "/sys/kernel", "/dev", "/dev/shm",
		"/.mcpbox", "/.etc/passwd"} {
		err := mountErr(policies.Mount{Source: dir, Target: target})
		if err == nil || hint.Of(err) == "" {
			t.Errorf("target %q: error %v, hint %q", target, err, hint.Of(err))
		}
	}
	for _, target := range []string{"/opt/x", "/work", "/process", "/device",
		"/home/user/.config"} {
		if err := mountErr(policies.Mount{Source: dir, Target: target}); err != nil {
			t.Errorf("target %q: %v", target, err)
		}
	}
}

func TestATargetDoesNotFollowALinkInABoundFolder(t *testing.T) {
	outside := tree(t, "there/")
	data := tree(t, "inner/", "out -> "+outside, "up -> ../..", "loop -> loop", "file")
	over := policies.Mount{Source: data, Target: "/data", Mode: policies.ReadWrite}
	dir := tree(t)
	for _, target := range []string{"/data/out", "/data/out/there", "/data/up", "/data/loop",
		"/data/absent", "/data/file"} {
		err := mountErr(over, policies.Mount{Source: dir, Target: target})
		if err == nil || hint.Of(err) == "" {
			t.Errorf("target %s: error %v", target, err)
		}
	}
	if err := mountErr(over, policies.Mount{Source: dir, Target: "/data/inner"}); err != nil {
		t.Errorf("a plain folder inside: %v", err)
	}
	if err := mountErr(over, policies.Mount{Source: filepath.Join(data, "file"),
		Target: "/data/file"}); err != nil {
		t.Errorf("a file over a file: %v", err)
	}
}

func TestATargetThatWouldBeCreatedOnTheHostIsRefused(t *testing.T) {
	err := mountErr(policies.Mount{Source: tree(t), Target: "/usr/lib/mcpbox-test-absent"})
	if !errors.Is(err, unix.ENOENT) || !strings.Contains(hint.Of(err), "/opt/mcpbox-test-absent") {
		t.Errorf("%v (hint %q)", err, hint.Of(err))
	}
}

func TestSourcesAreResolvedToTheirRealPath(t *testing.T) {
	dir := tree(t, "real/f", "link -> real")
	got, err := ResolveSource(filepath.Join(dir, "link", "f"))
	if want, _ := filepath.EvalSymlinks(filepath.Join(dir, "real", "f")); err != nil ||
		got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestSocketsAndDevicesAreNotBound(t *testing.T) {
	dir, err := os.MkdirTemp("", "m") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("socket", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for source, word := range map[string]string{
		filepath.Join(dir, "socket"): "socket", filepath.Join(dir,
			"link"): "socket", filepath.Join(dir, "pipe"): "named pipe",
		"/dev/null": "device", filepath.Join(dir, "absent"): "does not exist",
	} {
		_, err := ResolveSource(source)
		if err == nil || !strings.Contains(err.Error(), word) || hint.Of(err) == "" {
			t.Errorf("source %s: error %v, hint %q", source, err, hint.Of(err))
		}
	}
}
