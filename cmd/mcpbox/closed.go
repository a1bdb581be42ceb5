package main

/*
#include <fcntl.h>

static int closed;

// Before Go starts: its runtime opens /dev/null in the place of a standard stream that is closed.
__attribute__((constructor)) static void look_for_closed_streams(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			closed |= 1 << fd;
}

static int closed_streams(void) { return closed; }
*/
import "C"

import (
	"os"
)

// standard is a standard stream for a program. Of one that was closed when mcpbox began, the
// program can't read, or can't write to it: EBADF, as without mcpbox.
func standard(f *os.File) *os.File {
	if C.closed_streams()&(1<<f.Fd()) == 0 {
		return f
	}
	mode := os.O_RDONLY
	if f == os.Stdin {
		mode = os.O_WRONLY
	}
	if null, err := os.OpenFile(os.DevNull, mode, 0); err == nil {
		return null
	}
	return f
}
