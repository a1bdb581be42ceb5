// Package kernel has the only table of the Linux features that mcpbox uses, with the first version
// of each. doctor, docs/KERNEL.md and documents that name a version use this table.
//
//	for _, f := range kernel.Features { fmt.Println(f.Name, f.Since, f.For) }
//	if v := kernel.Running(); v.Less(kernel.Floor()) { … }
//
// A version does not prove that a feature works: distributions build kernels without features, and
// containers forbid system calls. Package doctor tries the features.
//
// Sources: the man pages named in the table, and Documentation/ in the kernel's tree.
package kernel
