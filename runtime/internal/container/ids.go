package container

// IDs maps the ids of libcontainer's user namespace to the host's.
type IDs struct {
	UID, GID []Map
	Tool     int // the id in that namespace that becomes uid 1000 in the cell
	ToolUID  int // the same id as the host sees it
	ToolGID  int
}

// Map is a line of uid_map: Count ids from Inside on are Host and following. user_namespaces(7)
type Map struct{ Inside, Host, Count int }
