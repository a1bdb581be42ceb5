package runtime

import (
	"cmp"

	"github.com/mcpbox/mcpbox/rootfs"
	"github.com/mcpbox/mcpbox/runtime/internal/environ"
	"github.com/mcpbox/mcpbox/runtime/internal/remedy"
)

// OnlyOnHost says which argument of a command names a file or folder that exists on the host but
// not in the sandbox, and how to mount it. It returns "" if there is none. wd is the folder on the
// host where relative paths start. Use it only after a command has failed, because an argument may
// not be a path at all.
func (p *Plan) OnlyOnHost(cmd Command, wd string) string {
	if p.root == nil || len(cmd.Args) < 2 {
		return ""
	}
	about := remedy.Command{Name: cmd.Args[0], Dir: cmp.Or(cmd.Dir, rootfs.Work),
		Env: environ.Strings(p.environment(cmd)), Plan: p.root,
		Rootfs: p.spec.Policy.Filesystem.Rootfs}
	return about.Arguments(cmd.Args[1:], wd)
}
