// Package watchdog watches a sandbox's limits on hosts without a usable cgroup v2. It polls the
// sandbox's processes and reports a breach. The caller kills.
//
//	w := watchdog.Start(watchdog.Config{InitPID: pid, Memory: 512 << 20, PIDs: 128}, onBreach)
//	…
//	w.Stop() // after it, no more breaches
//	usage := w.Usage()
//
// It counts everything below PID 1 of the sandbox, but not PID 1 itself. Orphans of a PID namespace
// become children of its PID 1, so they are counted, too. With Rlimits, the kernel enforces the
// number of tasks and the size of files. A breach of memory or CPU time is detected within an
// interval and only then stopped. CPU shares can't be enforced.
//
// Anonymous memory, mapped shared memory, page tables and memfds count, also those of threads with
// descriptors of their own, and System V shared memory, also if no process has attached it. A look
// does a bounded amount of work; a walk over very many descriptors takes several.
//
// Queues of Unix, TCP and UDP sockets count, where the kernel lists them. If the sender of a Unix
// socket has closed it, only the bytes count, not the kernel's memory for them.
//
// It does not see: memory in pipes, memfds without a descriptor and a mapping, tmpfs files (the
// disk limit counts them), CPU time of children whose parent ignores SIGCHLD, and processes that
// start and end between two looks.
//
// Kernels: 4.5 RssAnon and RssShmem, 4.14 smaps_rollup, CONFIG_PROC_CHILDREN (else a
// slower scan of /proc). Sources: proc(5), Documentation/filesystems/proc.rst.
package watchdog
