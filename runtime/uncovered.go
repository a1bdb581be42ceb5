package runtime

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
	"github.com/mcpbox/mcpbox/runtime/internal/fswatch"
	"github.com/mcpbox/mcpbox/runtime/internal/uncovered"
)

// watchFiles watches changes in the folders of the host that the program may write, if a rule is
// about files.
func (k *cell) watchFiles() (err error) {
	if !k.process.recorder.NeedsFiles() {
		return nil
	}
	var folders []fswatch.Folder
	for _, m := range k.c.policy().Filesystem.Mounts {
		if m.Mode == policies.ReadWrite {
			folders = append(folders, fswatch.Folder{Source: m.Source, Target: m.Target})
		}
	}
	if w := k.process.cmd.Workspace; w != nil && !w.ReadOnly {
		folders = append(folders, fswatch.Folder{Source: w.source(), Target: rootfs.Work})
	}
	if len(folders) == 0 {
		return nil
	}
	k.files, err = fswatch.Watch(folders, k.process.recorder.File, func(reason string) {
		k.process.Record(monitor.Event{Type: monitor.SuspiciousBehavior, Severity: monitor.Low,
			Rule: "builtin:files-not-seen", Action: "alert",
			Reason: "rules about files do not see everything: " + reason})
	})
	return err
}

// watchMounts watches the masks, and the mounts inside mounts, which the host can remove by
// replacing a file.
func (k *cell) watchMounts() error {
	var err error
	k.uncovered, err = uncovered.Watch(uncovered.Config{
		PID: k.pid, Masks: k.c.plan.root.Masks, Mounts: k.c.plan.root.Nested(), Lost: k.lost,
	})
	return err
}

// restoreTime bounds the wait for the restoring of a mask.
const restoreTime = time.Second

// lost restores masks. A lost mount of the caller can't be restored, because its source is outside:
// that ends the run.
func (k *cell) lost(masks []rootfs.Mask, mounts []rootfs.Mount) {
	k.process.uncovered.Store(true)
	began := time.Now()
	var paths []string
	for _, m := range mounts {
		paths = append(paths, m.Target)
	}
	if len(mounts) > 0 {
		k.uncoveredEvent(strings.Join(paths, ", "), "kill",
			"the mount at %s was lost: the host replaced or removed the covered folder")
		k.process.stop(StatusViolation)
		return
	}
	var body initproto.SetupBody
	appeared := false
	for _, m := range masks {
		paths = append(paths, m.Path)
		if m.Absent {
			appeared = true
			st, err := os.Lstat(k.root() + m.Path)
			m.Folder = err == nil && st.IsDir()
		}
		if m.Folder {
			body.Dirs = append(body.Dirs, initproto.Dir{Path: m.Path})
		} else {
			body.Files = append(body.Files, initproto.File{Path: m.Path})
		}
	}
	_ = k.c.conn.Send(initproto.Message{Kind: initproto.Mask, Process: k.process.number},
		&body) // seen below
	cfg := uncovered.Config{PID: k.pid, Masks: masks}
	for time.Since(began) < restoreTime {
		if left, _ := uncovered.Uncovered(cfg); len(left) == 0 {
			reason := "the host replaced %s, and its mask was lost; the mask was restored"
			if appeared {
				reason = "%s did not exist at the start; it was hidden when it appeared"
			}
			k.uncoveredEvent(strings.Join(paths, ", "), "restored", reason)
			return
		}
		time.Sleep(time.Millisecond)
	}
	k.uncoveredEvent(strings.Join(paths, ", "), "kill",
		"the host replaced %s, and its mask could not be restored")
	k.process.stop(StatusViolation)
}

func (k *cell) uncoveredEvent(paths, action, reason string) {
	k.process.Record(monitor.Event{Type: monitor.SuspiciousBehavior, Severity: monitor.High,
		Rule: "builtin:uncovered", Action: action,
		Reason: fmt.Sprintf(reason, paths),
		Hint:   "keep files to hide or protect outside of the folders that the tool sees"})
}
