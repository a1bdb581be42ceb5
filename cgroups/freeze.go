package cgroups

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
)

// freezeTime bounds the wait for frozen processes when the caller's context does not.
const freezeTime = 5 * time.Second

// Freeze stops the processes of all leaves, or lets them continue. PID 1 is not stopped. Freeze
// returns when every process has stopped. cgroup.freeze
func (g *Group) Freeze(ctx context.Context, on bool) error {
	leaves, err := g.leaves()
	if err != nil {
		return err
	}
	value := "0"
	if on {
		value = "1"
	}
	for _, dir := range leaves {
		if err := writeFile(dir, "cgroup.freeze", value); err != nil && !gone(err) {
			return fmt.Errorf("freeze cgroup %s: %w", dir, err)
		}
	}
	if !on {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, freezeTime)
	defer cancel()
	for _, dir := range leaves {
		if err := awaitEvent(ctx, dir, "frozen", 1); err != nil {
			return fmt.Errorf("freeze cgroup %s: %w", dir, err)
		}
	}
	return nil
}

// leaves returns the folders of the process trees.
func (g *Group) leaves() (dirs []string, err error) {
	entries, err := os.ReadDir(g.dir())
	if err != nil {
		return nil, fmt.Errorf("freeze cgroup %s: %w", g.path, err)
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != "init" && !strings.HasPrefix(e.Name(), ".") {
			dirs = append(dirs, filepath.Join(g.dir(), e.Name()))
		}
	}
	return dirs, nil
}

// awaitEvent waits until a key of cgroup.events has this value. The kernel wakes pollers at each
// change. It also returns if the cgroup was removed.
func awaitEvent(ctx context.Context, dir, key string, value int64) error {
	f, err := os.Open(filepath.Join(dir, "cgroup.events"))
	if gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	p, err := newPoller(int(f.Fd()))
	if err != nil {
		return err
	}
	defer p.close()
	stop := context.AfterFunc(ctx, p.interrupt)
	defer stop()
	var buf [256]byte
	for {
		n, err := f.ReadAt(buf[:], 0)
		if gone(err) || flatKeyed(buf[:n], key) == value {
			return nil
		}
		if ctx.Err() != nil {
			return unix.ETIMEDOUT
		}
		p.wait(time.Time{})
	}
}

// SetLimits sets the group's limits to the sandbox's limits plus headroom.
func (g *Group) SetLimits(l policies.Limits) error {
	if err := apply(g.h, g.path, withHeadroom(l), g.controllers); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.limits = l
	return nil
}

// SetLimits changes the leaf's limits while its processes run. The kernel reclaims memory above the
// new limit, or kills the tree. memory.max
func (l *Leaf) SetLimits(next policies.Limits) error {
	if err := apply(l.h, l.path, next, l.ctl); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limits = next
	return nil
}

func (l *Leaf) current() policies.Limits {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limits
}
