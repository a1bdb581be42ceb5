// Package watchdog holds a sandbox to its limits on hosts without a usable
// cgroup v2: it polls the sandbox's processes and reports a breach. Killing is
// the caller's.
//
//	w := watchdog.Start(watchdog.Config{InitPID: pid, Memory: 512 << 20, PIDs: 128}, onBreach)
//	…
//	w.Stop() // after it, no more breaches
//	usage := w.Usage()
//
// PID 1 of the sandbox is not counted; everything below it is, because orphans
// of a PID namespace come back to its PID 1. Together with Rlimits the kernel
// holds the number of tasks and the size of files; memory and CPU time are
// noticed within an interval and only then stopped, and CPU shares can't be
// held at all.
//
// Anonymous memory, mapped shared memory, page tables and memfds count, also those of threads with
// descriptors of their own. A look does a bounded amount of work; a walk over very many descriptors
// takes several.
//
// It does not see: memory in pipes and sockets, memfds that no descriptor and
// no mapping refers to, System V segments attached nowhere (bound those with
// kernel.shmall of the sandbox's IPC namespace), tmpfs files (the disk limit's),
// CPU time of children whose parent ignores SIGCHLD, and what is born and gone
// between two looks.
//
// Kernels: 4.5 RssAnon and RssShmem, 4.14 smaps_rollup, CONFIG_PROC_CHILDREN (else a
// slower scan of /proc). Sources: proc(5), Documentation/filesystems/proc.rst.
package watchdog
