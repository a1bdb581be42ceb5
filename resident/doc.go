// Package resident serves `mcpbox run --resident`: one process per user keeps a pool, and runs the
// commands that fronts pass to it (package front).
//
//	r, err := resident.Listen(stateDir)       // its name holds the executable's identity
//	err = r.Serve(ctx, idle, handle)          // until ctx ends, or nothing has come for that long
//
// The socket is 0600, in a folder that only the user can write. Both sides check the other's uid
// and user namespace, because a tool in a sandbox may have the user's id. A request brings the
// caller's descriptors for stdin, stdout, stderr and the working directory. The process looks paths
// up from this directory, with the rights of the user.
//
// Not passed on: the front's resource limits, priority, CPU affinity and cgroup. unix(7),
// SO_PEERCRED
package resident
