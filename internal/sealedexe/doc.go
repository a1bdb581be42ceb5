// Package sealedexe lets a user's mcpbox run from a sealed memfd without a copy of itself.
//
//	import _ "github.com/mcpbox/mcpbox/internal/sealedexe" // in package main
//
// libcontainer executes /proc/self/exe again, and the container's processes could write to that
// file if it were the program on disk (CVE-2019-5736). For root it is hidden behind an overlayfs.
// For a user, libcontainer copies the whole program into a sealed memfd at each start, unless
// /proc/self/exe is one already. Copying 28 MB was two fifths of a start's CPU time.
//
// So the program executes itself again through a stub: an ELF file of some KiB in a sealed memfd.
// It has no code. It names the program as its interpreter, so the kernel maps the program from its
// file and begins there. /proc/PID/exe is the stub, in the supervisor and in libcontainer's init.
// The stub repeats the program's PT_TLS and its like, which libc looks for through AT_PHDR.
//
// It is done in a constructor, before Go starts, for the commands that start one sandbox and end
// with it. If anything fails, or the program is not a static one at fixed addresses, nothing is
// done, and libcontainer copies. os.Executable does not return the program's path then.
//
// elf(5), getauxval(3), memfd_create(2); Linux ≥ 3.19 (execveat)
package sealedexe

import "C" // all of it is in sealedexe.c
