package main

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// usualSlack is the timer slack of mcpbox's caller. Programs get it. PID 1 itself starts with a
// larger one (initproto.TimerSlack), and all its threads inherit that.
var usualSlack uintptr

// An init function runs on the main thread, whose default slack is still the caller's.
// prctl(2), PR_SET_TIMERSLACK
func init() {
	was, _, _ := syscall.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_TIMERSLACK, 0, 0)
	slack(0) // the default
	usualSlack, _, _ = syscall.RawSyscall(unix.SYS_PRCTL, unix.PR_GET_TIMERSLACK, 0, 0)
	slack(was)
}

// slack changes the timer slack of the calling thread.
//
//go:nosplit
func slack(ns uintptr) { _ = prctl(unix.PR_SET_TIMERSLACK, ns) }
