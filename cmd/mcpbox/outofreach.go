package main

import (
	"os"

	"github.com/mcpbox/mcpbox/internal/reach"
	"github.com/mcpbox/mcpbox/policies"
)

// outOfReach refuses a policy, a log or a store that the program could change: through a mount, by
// another name, or because it is the program's own output.
func outOfReach(p *policies.Policy, streams []*os.File, paths ...string) error {
	var mounts []reach.Mount
	for _, m := range p.Filesystem.Mounts {
		mounts = append(mounts, reach.Mount{Source: m.Source,
			Writable: m.Mode == policies.ReadWrite})
	}
	r := reach.New(mounts, streams...)
	for _, path := range paths {
		if err := r.Check(path); err != nil {
			return err
		}
	}
	return nil
}
