// Package cgroups puts sandboxes under cgroup v2 limits and says what they
// used and which limit they ran into. It is the only importer of
// containerd/cgroups.
//
//	parent, err := cgroups.Find(ctx, cgroups.Options{}) // where this process may create cgroups
//	group, err := parent.Create(id, limits)             // <parent>/mcpbox-<id>/ and its init/
//	leaf, err := group.NewLeaf("p-1", limits)           // clone into leaf.FD()
//	watch, err := leaf.Watch(func(b cgroups.Breach) { … })
//	watch.Stop(); usage, _ := leaf.Usage(); _ = group.Destroy(ctx)
//
// The tree of one sandbox:
//
//	mcpbox-<id>/        limits + headroom for the sandbox's own PID 1; flocked by its owner
//	├── init/           PID 1; never in the group that the OOM killer empties
//	└── p-<n>/          one process tree with the policy's limits; the root of its cgroup namespace
//
// A limit whose controller this host does not hand out is not set, and
// Enforced says so; nothing is silently weaker.
//
// It does not protect against: memory of the host's page cache that others
// charged first, sockets' buffers of other namespaces, load on devices without
// io.max. It never touches cgroup v1, and a cgroup2 mount without controllers
// (the hybrid layout) is not usable.
//
// Kernels: 5.7 clone into a cgroup, 5.14 cgroup.kill (else each process is
// signalled), 5.19 memory.peak, 6.1 pids.peak (else the value is missing).
// Source: Documentation/admin-guide/cgroup-v2.rst.
package cgroups
