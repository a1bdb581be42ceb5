package initproto

import (
	"strconv"
	"syscall"
)

// Step is the step at which a start failed. The child reports it as a number, because it may only
// make raw system calls.
type Step int32

const (
	StepNone Step = iota
	StepBody
	StepSetup
	StepPipe
	StepTTY
	StepClone
	StepIDMap
	StepSetID
	StepSession
	StepMount
	StepPivot
	StepNoNested
	StepRlimit
	StepStdio
	StepDir
	StepLookup
	StepLandlock
	StepLandlockProbe
	StepCaps
	StepNoNewPrivs
	StepSeccomp
	StepExec
	StepLoopback
	StepWorkspace
	StepNetwork
	StepListen
	StepConnect
	StepFiles
	StepDied
)

var stepNames = [...]string{"none", "request", "rootfs", "pipe", "terminal", "clone", "id map",
	"set ids", "session", "mount",
	"pivot_root", "user namespace limit", "resource limit", "stdio", "working directory",
	"command lookup", "landlock",
	"landlock probe", "capabilities", "no_new_privs", "seccomp", "execve",
	"loopback", "workspace", "network", "listen", "connect", "files", "child died"}

func (s Step) String() string {
	if s < 0 || int(s) >= len(stepNames) {
		return "step " + strconv.Itoa(int(s))
	}
	return stepNames[s]
}

// Fault says which step failed, at which entry of its list, and why.
type Fault struct {
	Step  Step
	Index int32
	Errno syscall.Errno
}

func (f Fault) Error() string {
	return f.Step.String() + " #" + strconv.Itoa(int(f.Index)) + ": " + f.Errno.Error()
}

func (f Fault) Unwrap() error { return f.Errno }
