// Package verify asks the kernel, from outside, what holds for a process that is about to execute a tool.
// It believes nothing that the process says of itself.
//
//	layers, err := verify.Layers(pid, toolUID)
//	err = verify.Mounts(pid, plan)
//	err = verify.Dropped(initPID, unix.CAP_NET_ADMIN)
//
// Not verified here: Landlock, which the kernel shows nowhere (the child proves it on a canary), and cgroups.
//
// Linux ≥ 4.10 (NoNewPrivs in /proc/<pid>/status)
package verify
