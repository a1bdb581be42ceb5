// Package verify asks the kernel, from outside, which layers a process has that is about to execute
// a tool. It does not rely on anything that the process reports itself.
//
//	its, err := verify.NamespacesOf(pid)
//	layers, err := verify.Layers(pid, toolUID, its)
//	err = verify.Mounts(pid, plan)
//	err = verify.Rlimits(pid, limits)
//	err = verify.Dropped(initPID, unix.CAP_NET_ADMIN)
//
// Not verified here: cgroups (package cgroups does it), and Landlock, which the kernel does not
// show (the child proves it with a canary).
//
// Linux ≥ 4.10 (NoNewPrivs in /proc/<pid>/status)
package verify
