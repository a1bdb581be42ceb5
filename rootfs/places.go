package rootfs

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// Place is one part of the tool's root, for people. Paths are inside, Source is on the host.
type Place struct {
	Path   string `json:"path"`
	Source string `json:"source,omitempty"` // on the host
	// bind, tmpfs, storage, proc, devpts, cgroup2, copy or masked
	Kind   string `json:"kind"`
	Access string `json:"access"` // ro or rw
}

// Kinds of a place that are not file system types.
const (
	kindBind    = "bind"
	kindStorage = "storage" // a folder on the sandbox's one tmpfs
	kindMasked  = "masked"  // hidden: the tool sees it empty
	kindCopy    = "copy"    // of the host's files
)

// Places lists the contents of the tool's root, in the order of the mounts. Of two at one path, the
// later one covers the earlier one.
func (p *Plan) Places() []Place {
	var out []Place
	for _, m := range p.Mounts {
		if m.Outer {
			continue
		}
		place := Place{Path: m.Target, Kind: m.Type, Access: "rw"}
		switch {
		case m.Target == devices:
			place.Kind = kindCopy
		case m.Type == kindBind:
			place.Source = m.Source
		}
		if m.ReadOnly {
			place.Access = "ro"
		}
		out = append(out, place)
	}
	for _, op := range p.Cell[2:] { // skip the propagation and the bind of the root itself
		out = p.mounted(out, op)
	}
	return out
}

// mounted adds one mount of the cell.
func (p *Plan) mounted(out []Place, op Op) []Place {
	path := inside(op.Target)
	readOnly := op.Flags&unix.MS_RDONLY != 0
	if op.Flags&unix.MS_REMOUNT != 0 {
		if i := lastAt(out, path); i >= 0 && readOnly {
			out[i].Access = "ro"
		}
		return out
	}
	place := Place{Path: path, Kind: op.Type, Access: "rw"}
	source := inside(op.Source)
	switch {
	case op.Type == "tmpfs" || source == "/dev/null" && op.Source != op.Target && path != source:
		place.Kind = kindMasked
	case op.Type != "":
	case slices.ContainsFunc(p.own, func(d Dir) bool { return d.Path == path }):
		place.Kind = kindStorage
	case op.Source == op.Target: // made read-only or pinned: the same mount appears again
		place.Kind = kindBind
	case !strings.HasPrefix(op.Source, initproto.Root+"/"): // from an outer mount
		place.Kind, place.Source = kindBind, op.Source
		if !strings.HasPrefix(path, "/dev/") {
			readOnly = true
		}
	default: // a file of mcpbox over the rootfs folder's file
		place.Kind = kindStorage
	}
	if readOnly || place.Kind == kindMasked {
		place.Access = "ro"
	}
	return append(out, place)
}

func inside(path string) string {
	if path == initproto.Root {
		return "/"
	}
	return strings.TrimPrefix(path, initproto.Root)
}

func lastAt(places []Place, path string) int {
	for i := len(places) - 1; i >= 0; i-- {
		if places[i].Path == path {
			return i
		}
	}
	return -1
}
