package container

import (
	"os"
	"runtime"

	"github.com/opencontainers/runc/libcontainer"
	_ "github.com/opencontainers/runc/libcontainer/nsenter" // the C constructor that creates and joins namespaces
	"golang.org/x/sys/unix"
)

func init() {
	// For idmapped mounts libcontainer joins the container's mount namespace on a thread that ends with it. The
	// main thread can't end: were it taken, /proc/self of this process would show the sandbox's mounts for ever.
	// With main.main pinned to it, it is never taken.
	runtime.LockOSThread()
	if len(os.Args) > 1 && os.Args[1] == "init" && os.Getenv("_LIBCONTAINER_INITPIPE") != "" {
		// libcontainer gives the signal to its first stage only, and the kernel clears it at a clone. Without it
		// this process, which waits in the end for a reader of a FIFO, would wait for ever if the caller was killed.
		if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
			os.Exit(1)
		}
		libcontainer.Init()
	}
}
