package store

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mcpbox/mcpbox/mcp/access"
)

// Follow returns the rules of the store at path as an allowlist for the proxy. The list follows
// changes until ctx ends. While the store can't be read or fails its check, the list refuses
// everything. launch describes the server that the proxy runs; nil if that is unknown.
func Follow(ctx context.Context, path string, launch *access.Server) (*access.Live, error) {
	if _, _, err := load(ctx, path); err != nil {
		return nil, err
	}
	list := access.NewLive(launch)
	ready := make(chan struct{})
	ended := make(chan error, 1)
	f := &follower{ctx: ctx, path: path, list: list}
	first := true
	go func() {
		err := Watch(ctx, path, func() {
			f.look()
			if first {
				first = false
				close(ready)
			}
		})
		f.stop()
		ended <- err
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

// follower puts rules in force when the store changes, and when a rule expires or begins to apply.
type follower struct {
	ctx  context.Context
	path string
	list *access.Live

	mu      sync.Mutex
	timer   *time.Timer
	stopped bool
}

func (f *follower) look() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped || f.ctx.Err() != nil {
		return
	}
	set, next, err := load(f.ctx, f.path)
	if f.ctx.Err() == nil {
		f.list.Replace(set, err)
	}
	if f.timer != nil {
		f.timer.Stop()
	}
	if !next.IsZero() {
		f.timer = time.AfterFunc(time.Until(next), f.look)
	}
}

func (f *follower) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = true
	if f.timer != nil {
		f.timer.Stop()
	}
}

// load returns the rules that apply now, and when others do.
func load(ctx context.Context, path string) (set *access.Set, next time.Time, err error) {
	s, err := OpenExisting(path)
	if err != nil {
		return nil, next, err
	}
	defer s.Close()
	list, _, err := s.Rules(ctx)
	if err != nil {
		return nil, next, err
	}
	now := time.Now()
	set, err = access.NewSetAt(list, now)
	return set, access.NextChange(list, now), err
}
