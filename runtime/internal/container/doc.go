// Package container is the adapter to runc's libcontainer, and its only importer: it turns a rootfs
// plan and an id map into a libcontainer configuration and runs mcpbox-init as PID 1 in it.
//
//	c, err := container.Start(container.Config{ID: id, StateDir: dir, Plan: plan, IDs: ids, …})
//	defer c.Destroy()
//	c.PID // of mcpbox-init, on the host
//
// libcontainer re-executes /proc/self/exe with the argument "init": every binary that starts
// sandboxes, test binaries included, links this package, whose initialiser takes that call over.
//
// libcontainer installs no filter here and sets no limits: its own init would
// run under them. Tools get theirs from mcpbox-init, per process.
//
// Linux ≥ 5.12 for idmapped mounts (started by root), 5.10 otherwise.
package container
