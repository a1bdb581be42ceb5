package rootfs

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// FreshCell lists the mounts of a cell that shares nothing with other cells of the sandbox. The
// cell has the /proc of its own PID namespace, its own ptys, and its own storage of the plan's
// size. The other mounts are those of Cell.
func (p *Plan) FreshCell() []Op {
	const root = initproto.Root
	// private propagation, and the root bound onto itself
	out := append([]Op(nil), p.Cell[:2]...)
	out = append(out,
		Op{Source: "proc", Target: root + "/proc", Type: "proc", Flags: plainData,
			Data: "hidepid=2"},
		Op{Source: "devpts", Target: root + "/dev/pts", Type: "devpts",
			Flags: unix.MS_NOSUID | unix.MS_NOEXEC,
			// whoever opens a pty, it is the tool's
			Data: fmt.Sprintf("%s,uid=%d,gid=%[2]d", ptyOptions, initproto.ToolID)})
	sources := map[string]string{}
	if len(p.own) > 0 {
		out = append(out, p.freshStorage(root+p.own[0].Path, sources)...)
	}
	var last Op
	for _, op := range p.Cell[2:] {
		if source, ok := sources[op.Target]; ok && op.Source == op.Target {
			op.Source = source
			// this mount covers the storage, so it comes after its last use
			if op.Target == root+p.own[0].Path {
				last = op
				continue
			}
		}
		out = append(out, op)
	}
	if last.Target != "" {
		out = append(out[:len(out)-1], last, out[len(out)-1]) // the final step seals the root
	}
	return out
}

// freshStorage mounts a tmpfs at a folder, and makes a folder in it for each private folder of the
// sandbox. sources gets the source for the bind mount of each.
func (p *Plan) freshStorage(at string, sources map[string]string) []Op {
	data := fmt.Sprintf("mode=0755,uid=%d,gid=%d", initproto.ToolID, initproto.ToolID)
	if p.disk > 0 {
		data += fmt.Sprintf(",size=%d,nr_inodes=%d", p.disk, max(p.disk/1024, 4096))
	}
	out := []Op{{Source: "tmpfs", Target: at, Type: "tmpfs", Flags: noDevices,
		Data: data}}
	for i, d := range p.own {
		source := at + "/" + strconv.Itoa(i)
		out = append(out, Op{Target: source, Mkdir: d.Mode})
		sources[initproto.Root+d.Path] = source
	}
	return out
}

// Storage returns a folder on the storage that the disk limit applies to, or "" if there is none.
func (p *Plan) Storage() string {
	if len(p.own) == 0 {
		return ""
	}
	return p.own[0].Path
}
