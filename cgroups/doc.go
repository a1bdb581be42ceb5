// Package cgroups puts sandboxes under cgroup v2 limits. It reports what they used and which limit
// they reached. It is the only importer of containerd/cgroups.
//
//	parent, err := cgroups.Find(ctx, cgroups.Options{}) // where this process may create cgroups
//	group, err := parent.Create(id, limits)             // <parent>/mcpbox-<id>/ and its init/
//	leaf, err := group.NewLeaf("p-1", limits)           // clone into leaf.FD()
//	watch, err := leaf.Watch(func(b cgroups.Breach) { … })
//	watch.Stop(); usage, _ := leaf.Usage(); _ = group.Destroy(ctx)
//
// The tree of one sandbox:
//
//	mcpbox-<id>/        limits plus headroom for PID 1; its owner holds a flock on it
//	├── init/           PID 1; never in the group that the OOM killer empties
//	└── p-<n>/          one process tree with the policy's limits; root of its cgroup namespace
//
// If this host does not delegate a controller, its limit is not set, and Enforced says so.
//
// # What it does not protect
//
// It does not count page cache that was first charged to another cgroup, or socket buffers of other
// namespaces. It does not limit devices without an io.max line. It never touches cgroup v1. A
// cgroup2 mount without controllers (the hybrid layout) is not usable.
//
// Kernel: package kernel has the versions of CLONE_INTO_CGROUP, cgroup.kill, memory.peak and
// pids.peak. Without cgroup.kill each process gets a signal; without the others a value is missing.
// Source: Documentation/admin-guide/cgroup-v2.rst.
package cgroups
