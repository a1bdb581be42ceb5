package container

import (
	"os"
	"runtime"

	"github.com/opencontainers/runc/libcontainer"
	_ "github.com/opencontainers/runc/libcontainer/nsenter" // the C constructor that creates and joins namespaces
)

func init() {
	// For idmapped mounts libcontainer joins the container's mount namespace on a thread that ends with it. The
	// main thread can't end: were it taken, /proc/self of this process would show the sandbox's mounts for ever.
	// With main.main pinned to it, it is never taken.
	runtime.LockOSThread()
	if len(os.Args) > 1 && os.Args[1] == "init" && os.Getenv("_LIBCONTAINER_INITPIPE") != "" {
		libcontainer.Init()
	}
}
