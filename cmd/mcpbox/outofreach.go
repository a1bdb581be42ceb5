package main

import (
	"path/filepath"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

// outOfReach refuses a path for a policy, an event log or a result that leads through a folder which the tool may write:
// it could rewrite what it is held to and what is said about it, or by a link lead the next run to a file of its choice. Nor
// may it be where the tool's own output goes, which it could write such lines to.
func outOfReach(path string, mounts []policies.Mount) error {
	if path == "" {
		return nil
	}
	switch filepath.Clean(path) {
	case "-", "/dev/stdout", "/dev/stderr", "/dev/fd/1", "/dev/fd/2", "/proc/self/fd/1", "/proc/self/fd/2":
		return hint.Errorf("give a file, or a FIFO with a reader", "the program itself writes to %q: it could forge the log", path)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil && real != filepath.Clean(path) {
		if err := outOfReach(real, mounts); err != nil {
			return err
		}
	}
	at, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	for at != "/" {
		at = filepath.Dir(at)
		real, err := filepath.EvalSymlinks(at)
		if err != nil {
			continue // opening it will say
		}
		for _, m := range mounts {
			if m.Mode == policies.ReadWrite && strings.HasPrefix(real+"/", strings.TrimSuffix(m.Source, "/")+"/") {
				return hint.Errorf("give a path outside the folders that are bound writable", "%s lies in %s, where the program could change it", path, m.Source)
			}
		}
	}
	return nil
}
