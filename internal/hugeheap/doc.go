// Package hugeheap lets a program begin on huge pages: the first 12 MiB of the Go heap, and the
// tables of the Go runtime.
//
//	import _ "github.com/mcpbox/mcpbox/internal/hugeheap" // in package main
//
// A process that lives for some milliseconds spends a good part of them in page faults, one for
// each 4 KiB that it touches for the first time. A huge page is one fault for 2 MiB, and zeroing it
// costs less than 50 of the small ones. The price is memory: about 6 MiB in each process. What the
// heap needs beyond the first 12 MiB is as usual.
//
// The Go runtime has no setting for this, and by the time Go code runs the pages are there. But
// where cgo is linked, the runtime asks libc for memory (runtime/cgo, gcc_mmap.c). This package
// defines mmap before libc does: it gives tables a part of one huge page, calls madvise(2) for the
// first growths of the heap, and passes all else on. Package runtime does not import it: a program
// that embeds mcpbox keeps its own memory.
//
// Where the kernel has no huge pages to give, or the host forbids them, nothing changes.
// madvise(2), MADV_HUGEPAGE, Linux ≥ 2.6.38
package hugeheap

import "C" // all of it is in hugeheap.c
