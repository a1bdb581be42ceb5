// Package kernel is the one table of what mcpbox needs from Linux, and since which version Linux
// has it. doctor, docs/KERNEL.md and the documents that name a version quote it.
//
//	for _, f := range kernel.Features { fmt.Println(f.Name, f.Since, f.For) }
//	if v := kernel.Running(); v.Less(kernel.Floor()) { … }
//
// A version does not prove that a feature is there: distributions build kernels without features,
// and containers forbid system calls. Package doctor tries them.
//
// Sources: the man pages named in the table, and Documentation/ in the kernel's tree.
package kernel
