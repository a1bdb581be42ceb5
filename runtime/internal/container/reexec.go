package container

import (
	"os"
	"runtime"

	"github.com/opencontainers/runc/libcontainer"
	// the C constructor that creates and joins namespaces
	_ "github.com/opencontainers/runc/libcontainer/nsenter"
	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

func init() {
	// For idmapped mounts libcontainer joins the container's mount namespace on a thread, and then
	// ends this thread. The main thread can't end: if libcontainer used it, /proc/self of this
	// process would show the sandbox's mounts for ever. main.main is pinned to the main thread, so
	// libcontainer never gets it.
	runtime.LockOSThread()
	if len(os.Args) > 1 && os.Args[1] == "init" && os.Getenv("_LIBCONTAINER_INITPIPE") != "" {
		// libcontainer sets the signal only for its first stage, and the kernel clears it at a
		// clone. Without the signal, this process, which finally waits for a reader of a FIFO,
		// would wait for ever if the caller is killed.
		if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
			os.Exit(1)
		}
		// PID 1 inherits it: see package internal/sysmon.
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, initproto.TimerSlack, 0, 0, 0)
		libcontainer.Init()
	}
}
