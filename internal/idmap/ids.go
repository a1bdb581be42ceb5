package idmap

import "github.com/mcpbox/mcpbox/internal/initproto"

// ToolID is the uid and gid of every tool, inside.
const ToolID = initproto.ToolID

// IDs maps the ids of libcontainer's user namespace to the host's.
type IDs struct {
	UID, GID []Map
	Tool     int // the id in that namespace that becomes uid 1000 in the cell
	ToolUID  int // the same id as the host sees it
	ToolGID  int
	Kind     string // Range, Subordinate or Single
}

// Kinds of a map.
const (
	Range       = "range"       // started by root: a range of host ids that no account has
	Subordinate = "subordinate" // the caller's range of subuid(5)
	Single      = "single"      // one id, the caller's own
)

// Map is a line of uid_map: Count ids, from Inside on, map to the ids from Host on.
// user_namespaces(7)
type Map struct {
	Inside int `json:"inside"`
	Host   int `json:"host"`
	Count  int `json:"count"`
}
