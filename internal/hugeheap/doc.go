// Package hugeheap puts the first 12 MiB of the Go heap, and the tables of the Go runtime, on huge
// pages.
//
//	import _ "github.com/mcpbox/mcpbox/internal/hugeheap" // in package main
//
// A process that lives for some milliseconds spends much of that time in page faults, one for each
// 4 KiB that it touches for the first time. A huge page needs one fault for 2 MiB, and that costs
// less than 50 small faults. The price is memory: about 6 MiB in each process. The rest of the heap
// uses ordinary pages.
//
// The Go runtime has no setting for this, and Go code runs too late: it already has its pages. But
// with cgo, the Go runtime calls libc's mmap (runtime/cgo, gcc_mmap.c). This package defines an
// mmap that replaces libc's. It gives the tables a part of one huge page, calls madvise(2) for the
// first growths of the heap, and passes all other calls on. Package runtime does not import it, so
// a program that embeds mcpbox keeps its own memory management.
//
// If the kernel has no free huge pages, or the host forbids them, nothing changes. madvise(2),
// MADV_HUGEPAGE, Linux ≥ 2.6.38
package hugeheap

import "C" // all of it is in hugeheap.c
