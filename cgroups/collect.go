package cgroups

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Stale lists the ids of groups under the parent whose owner is gone: their
// lock is free. A live group is never in it.
func (p *Parent) Stale() ([]string, error) {
	var ids []string
	err := p.eachStale(func(id, _ string) { ids = append(ids, id) })
	return ids, err
}

// Collect kills and removes the groups that Stale lists and returns their
// ids. The lock is held meanwhile, so two collectors and an owner just being
// born can't trip over each other.
func (p *Parent) Collect(ctx context.Context) ([]string, error) {
	var ids []string
	var failed []error
	err := p.eachStale(func(id, dir string) {
		if err := destroyTree(ctx, dir); err != nil {
			failed = append(failed, err)
			return
		}
		ids = append(ids, id)
	})
	return ids, errors.Join(err, errors.Join(failed...))
}

func (p *Parent) eachStale(visit func(id, dir string)) error {
	entries, err := os.ReadDir(p.Path())
	if err != nil {
		return err
	}
	for _, e := range entries {
		id, ok := strings.CutPrefix(e.Name(), groupPrefix)
		if !ok || !e.IsDir() || isOwnScope(e.Name()) {
			continue
		}
		dir := filepath.Join(p.Path(), e.Name())
		lock, err := lockDir(dir)
		if err != nil {
			continue // held by its owner, or just gone
		}
		if sameFile(lock, dir) {
			visit(id, dir)
		}
		lock.Close()
	}
	return nil
}
