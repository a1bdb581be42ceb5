package runtime

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime/internal/landlock"
	"github.com/mcpbox/mcpbox/runtime/internal/verify"
)

// A silently missing layer is the worst bug. The test removes each layer secretly, and verification
// must detect it.
func TestAMissingLayerIsDetected(t *testing.T) {
	testhost.Need(t, "sandbox")
	opts := privateState(t)
	marker := filepath.Join(t.TempDir(), "ran")
	for _, c := range []struct {
		layer policies.Layer
		take  func(*initproto.SpawnBody)
	}{
		{policies.LayerSeccomp, func(b *initproto.SpawnBody) { b.Filter = nil }},
		{policies.LayerRootfs,
			func(b *initproto.SpawnBody) { b.Mounts = b.Mounts[:len(b.Mounts)-1] }},
		{policies.LayerLandlock, func(b *initproto.SpawnBody) { b.Landlock = nil }},
		{policies.LayerCgroupNamespace,
			func(b *initproto.SpawnBody) { b.CloneFlags &^= unix.CLONE_NEWCGROUP }},
	} {
		t.Run(string(c.layer), func(t *testing.T) {
			p := standard(t)
			p.Require = append(p.Require, c.layer)
			p.Filesystem.Mounts = []policies.Mount{{Source: filepath.Dir(marker), Target: "/work",
				Mode: policies.ReadWrite}}
			touch := Command{Args: []string{"touch", "/work/ran"}}
			if c.layer == policies.LayerLandlock && landlock.ABI() == 0 {
				testhost.Lacks(t, "landlock", "this kernel has no Landlock")
			}
			if _, err := run(context.Background(), Spec{Policy: p}, touch, opts); err != nil {
				t.Fatalf("with every layer: %v", err)
			}
			if err := os.Remove(marker); err != nil {
				t.Fatalf("the tool did not run: %v", err)
			}
			tampering := opts
			tampering.tamper = c.take
			if _, err := run(context.Background(), Spec{Policy: p}, touch, tampering); err == nil {
				t.Errorf("the run went on without %s", c.layer)
			}
			if _, err := os.Stat(marker); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the tool ran without %s", c.layer)
			}
		})
	}
}

func TestVerifyUsesOnlyWhatTheKernelReports(t *testing.T) {
	// This test process itself: no layer at all.
	its, err := verify.NamespacesOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	found, err := verify.Layers(os.Getpid(), os.Geteuid(), its)
	if err != nil {
		t.Fatal(err)
	}
	layers := layersFrom(found)
	for layer, state := range layers {
		if layer == policies.LayerNoNewPrivileges || layer == policies.LayerSeccomp ||
			layer == policies.LayerCapabilities {
			continue // a container or an ordinary user may have these
		}
		if state == Enforced {
			t.Errorf("%s is said to be enforced on the test itself", layer)
		}
	}
	if layers.mandatory() == nil {
		t.Error("a process without layers passes")
	}
}

// On a host with cgroup v1, nothing of libcontainer may appear there.
func TestNoV1CgroupIsMade(t *testing.T) {
	testhost.Need(t, "sandbox")
	testhost.Need(t, "cgroup1")
	box, err := start(context.Background(), Spec{Policy: standard(t), BestEffort: true},
		privateState(t))
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	filepath.WalkDir("/sys/fs/cgroup", func(path string, _ fs.DirEntry, _ error) error {
		if strings.Contains(path, "mcpbox-") && strings.Contains(path, box.ID) {
			t.Errorf("%s was made", path)
		}
		return nil
	})
}
