package cgroups

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Stale lists the ids of groups under the parent whose owner has ended: nobody holds their lock.
func (p *Parent) Stale() ([]string, error) {
	var ids []string
	err := p.eachStale(func(id, _ string) { ids = append(ids, id) })
	return ids, err
}

// Collect kills and removes the groups that Stale lists, and returns their ids. It holds each
// group's lock while it does so, to exclude other collectors and an owner that is starting.
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
			continue // the owner holds the lock, or the group was just removed
		}
		if sameFile(lock, dir) {
			visit(id, dir)
		}
		lock.Close()
	}
	return nil
}
