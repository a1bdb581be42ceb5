package control

import (
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/rootfs"
)

// Setup is a plan's setup as PID 1 is sent it.
func Setup(s rootfs.Setup) *initproto.SetupBody {
	body := &initproto.SetupBody{}
	for _, d := range s.Dirs {
		body.Dirs = append(body.Dirs, initproto.Dir(d))
	}
	for _, f := range s.Files {
		body.Files = append(body.Files, initproto.File(f))
	}
	for _, l := range s.Links {
		body.Links = append(body.Links, initproto.Link(l))
	}
	return body
}

// Mounts are a plan's mounts in a cell as PID 1 is sent them.
func Mounts(ops []rootfs.Op) []initproto.MountOp {
	out := make([]initproto.MountOp, len(ops))
	for i, op := range ops {
		out[i] = initproto.MountOp(op)
	}
	return out
}
