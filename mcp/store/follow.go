package store

import (
	"context"
	"errors"

	"github.com/mcpbox/mcpbox/mcp/access"
)

// Follow returns the rules of the store at path as an allowlist for the proxy. The list follows
// changes until ctx ends. While the store can't be read or fails its check, the list refuses
// everything. launch describes the server that the proxy runs; nil if that is unknown.
func Follow(ctx context.Context, path string, launch *access.Server) (*access.Live, error) {
	if _, err := load(ctx, path); err != nil {
		return nil, err
	}
	list := access.NewLive(launch)
	ready := make(chan struct{})
	ended := make(chan error, 1)
	first := true
	go func() {
		ended <- Watch(ctx, path, func() {
			set, err := load(ctx, path)
			if ctx.Err() == nil {
				list.Replace(set, err)
			}
			if first {
				first = false
				close(ready)
			}
		})
		if ctx.Err() == nil {
			list.Replace(nil, errors.New("the allowlist store can't be watched any more"))
		}
	}()
	select {
	case <-ready:
		return list, nil
	case err := <-ended:
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func load(ctx context.Context, path string) (*access.Set, error) {
	s, err := OpenExisting(path)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	now, _, err := s.Rules(ctx)
	if err != nil {
		return nil, err
	}
	return access.NewSet(now)
}
