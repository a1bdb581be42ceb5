package cgroups

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// destroyTimeout bounds the wait for killed processes when the caller's context does not.
const destroyTimeout = 10 * time.Second

// Kill sends SIGKILL to every process of the sandbox, PID 1 included.
func (g *Group) Kill() error { return killTree(g.dir()) }

// Destroy kills all processes, waits until they have ended and removes the folders. A second call
// does nothing. After ErrBusy the group still exists, and Destroy can be called again.
func (g *Group) Destroy(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lock == nil {
		return nil
	}
	if err := destroyTree(ctx, g.dir()); err != nil {
		return err
	}
	err := g.lock.Close()
	g.lock = nil
	return err
}

// Remove kills the tree, waits until all its processes have ended, and removes only this leaf.
func (l *Leaf) Remove(ctx context.Context) error {
	if err := destroyTree(ctx, l.dir()); err != nil {
		return err
	}
	if err := l.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

func destroyTree(ctx context.Context, dir string) error {
	if err := killTree(dir); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, destroyTimeout)
	defer cancel()
	for {
		if err := waitEmpty(ctx, dir); err != nil {
			return err
		}
		err := removeTree(dir)
		if !errors.Is(err, unix.EBUSY) {
			return err
		}
		// Empty, but a last task is still exiting. That causes no event, so look again.
		select {
		case <-ctx.Done():
			return fmt.Errorf("remove %s: %w", dir, ErrBusy)
		case <-time.After(time.Millisecond):
		}
	}
}

// killTree uses cgroup.kill, which no fork can escape. On a kernel without it, the tree is frozen
// and each process gets a signal. (The library's own fallback writes to a log.)
func killTree(dir string) error {
	err := writeFile(dir, "cgroup.kill", "1")
	if err == nil || !exists(dir, "cgroup.procs") {
		return nil
	}
	if exists(dir, "cgroup.kill") {
		return fmt.Errorf("kill cgroup %s: %w", dir, err)
	}
	if err := writeFile(dir, "cgroup.freeze", "1"); err != nil {
		return fmt.Errorf("kill cgroup %s: %w", dir, err)
	}
	for _, d := range treeOf(dir) {
		pids, _ := readFields(d, "cgroup.procs")
		for _, p := range pids {
			if pid, err := strconv.Atoi(p); err == nil && pid > 0 {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}
	}
	return writeFile(dir, "cgroup.freeze", "0")
}

// waitEmpty waits until no process is left.
func waitEmpty(ctx context.Context, dir string) error {
	err := awaitEvent(ctx, dir, "populated", 0)
	if errors.Is(err, unix.ETIMEDOUT) {
		return fmt.Errorf("remove %s: %w", dir, ErrBusy)
	}
	return err
}

// treeOf lists the cgroups at and below dir, children first.
func treeOf(dir string) []string {
	var dirs []string
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	slices.Reverse(dirs)
	return dirs
}

func removeTree(dir string) error {
	for _, d := range treeOf(dir) {
		if err := unix.Rmdir(d); err != nil && !gone(err) {
			return fmt.Errorf("remove %s: %w", d, err)
		}
	}
	return nil
}
