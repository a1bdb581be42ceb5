package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// command is a candidate that runs a program to its end. before, if not nil, returns arguments to
// append.
func command(name string, fresh func() []string, argv ...string) *candidate {
	return &candidate{name: name, turn: func() (sample, error) {
		args := argv
		if fresh != nil {
			args = append(append([]string(nil), argv...), fresh()...)
		}
		return runOnce(args)
	}}
}

// runOnce measures fork to wait. Its cpu time is that of the process and of all descendants that
// were waited for.
func runOnce(argv []string) (sample, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = "/"
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	began := time.Now()
	err := cmd.Run()
	s := sample{wall: time.Since(began)}
	if err != nil {
		first, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		return s, fmt.Errorf("%s: %w: %s", argv[0], err, first)
	}
	u := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	s.cpu = time.Duration(u.Utime.Nano() + u.Stime.Nano())
	s.faults = u.Minflt + u.Majflt
	return s, nil
}

// asUser prefixes a command so that an ordinary user runs it.
func asUser(uid, runtimeDir string, argv ...string) []string {
	return append([]string{"setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "env",
		"XDG_RUNTIME_DIR=" + runtimeDir, "HOME=/tmp"}, argv...)
}

func isRoot() bool { return os.Geteuid() == 0 }
