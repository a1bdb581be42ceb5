package packages

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/packages/runner"
)

// Verify compares the files with what was installed.
func (p *Package) Verify() error {
	sum, _, err := Hash(p.TreeDir())
	if err != nil {
		return err
	}
	if sum != p.Tree {
		return hint.Errorf("mcpbox packages remove "+p.String()+", then install it again",
			"%s: its files have changed since it was installed", p)
	}
	return nil
}

// Remove deletes an installed version. One that a server runs from is refused.
func (s *Store) Remove(ctx context.Context, p *Package) error {
	r := &runner.Request{Ecosystem: p.Ecosystem, Name: p.Name}
	unlock, err := s.lock(ctx, r, func() {})
	if err != nil {
		return err
	}
	defer unlock()
	f, err := os.Open(p.Folder)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return hint.Errorf("stop the server first", "%s: a server runs from it", p)
	}
	known, err := s.refs(r)
	if err != nil {
		return err
	}
	for asked, folder := range known {
		if folder == filepath.Base(p.Folder) {
			delete(known, asked)
		}
	}
	if err := writeFile(filepath.Join(filepath.Dir(p.Folder), "refs.json"), known); err != nil {
		return err
	}
	// A half-deleted folder must not be taken for a package.
	if err := os.Remove(filepath.Join(p.Folder, "mcpbox.json")); err != nil {
		return err
	}
	return os.RemoveAll(p.Folder)
}

// GC removes what interrupted installs left, and versions that no request means any more. It
// returns what it removed.
func (s *Store) GC(ctx context.Context) (removed []string, err error) {
	left, err := filepath.Glob(filepath.Join(s.dir, "staging", "*"))
	if err != nil {
		return nil, err
	}
	for _, dir := range left {
		if gone, err := removeStaging(dir); err != nil {
			return removed, err
		} else if gone {
			removed = append(removed, "an interrupted install")
		}
	}
	all, err := s.List()
	if err != nil {
		return removed, err
	}
	for _, p := range all {
		known, err := s.refs(&runner.Request{Ecosystem: p.Ecosystem, Name: p.Name})
		if err != nil {
			return removed, err
		}
		used := false
		for _, folder := range known {
			used = used || folder == filepath.Base(p.Folder)
		}
		if used {
			continue
		}
		if err := s.Remove(ctx, p); err != nil {
			return removed, err
		}
		removed = append(removed, p.String())
	}
	return removed, nil
}

// removeStaging removes the folder of an install, unless the install is under way.
func removeStaging(dir string) (bool, error) {
	f, err := os.Open(dir)
	if err != nil {
		return false, err
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return false, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return false, fmt.Errorf("package store: %w", err)
	}
	return true, nil
}
