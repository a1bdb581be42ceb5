package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// survivor leaves a daemon behind, the classic way: a child in a session of its own
// starts a grandchild and ends, the grandchild spins on with nobody as its parent.
// It holds none of the caller's streams. Prints the pid that outlived it.
func survivor(seconds int) error {
	if os.Getenv("VICTIM_FORKED") == "" {
		middle := exec.Command("/proc/self/exe", "survivor", strconv.Itoa(seconds))
		middle.Env = append(os.Environ(), "VICTIM_FORKED=1")
		middle.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		middle.Stdout = os.Stdout
		if err := middle.Run(); err != nil {
			return err
		}
		return nil
	}
	daemon := exec.Command("/proc/self/exe", "spin", strconv.Itoa(seconds))
	if err := daemon.Start(); err != nil {
		return err
	}
	fmt.Println("left behind:", daemon.Process.Pid)
	os.Exit(0)
	return nil
}
