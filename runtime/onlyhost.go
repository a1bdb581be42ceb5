package runtime

import (
	"cmp"

	"github.com/mcpbox/mcpbox/rootfs"
	"github.com/mcpbox/mcpbox/runtime/internal/environ"
	"github.com/mcpbox/mcpbox/runtime/internal/remedy"
)

// OnlyOnHost says which argument of a command names a file or folder that the host has and the
// sandbox does not, and how to show it; "": none. wd is where a relative path leads on the host.
// It is for a command that has failed: an argument may be meant for something else.
func (p *Plan) OnlyOnHost(cmd Command, wd string) string {
	if p.root == nil || len(cmd.Args) < 2 {
		return ""
	}
	about := remedy.Command{Name: cmd.Args[0], Dir: cmp.Or(cmd.Dir, rootfs.Work),
		Env: environ.Strings(p.environment(cmd)), Plan: p.root,
		Rootfs: p.spec.Policy.Filesystem.Rootfs}
	return about.Arguments(cmd.Args[1:], wd)
}
