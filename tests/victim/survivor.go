package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// survivor leaves a daemon behind in the classic way: a child in a new session starts a grandchild
// and ends. The grandchild continues as an orphan and holds none of the caller's streams. survivor
// prints its pid.
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
