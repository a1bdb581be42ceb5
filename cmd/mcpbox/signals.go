package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// interrupted is the cause of a start that a signal ended.
type interrupted unix.Signal

func (s interrupted) Error() string {
	return fmt.Sprintf("interrupted by %s before the program ran", unix.SignalName(unix.Signal(s)))
}

// catchSignals passes on what a shell or a service manager would send to the program itself: once
// forward has been called to the program, and before that to the start, which it cancels.
func catchSignals(parent context.Context) (ctx context.Context, forward func(*mcpruntime.Process)) {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1,
		unix.SIGUSR2, unix.SIGCONT, unix.SIGALRM, unix.SIGTSTP, unix.SIGWINCH)
	ctx, cancel := context.WithCancelCause(parent)
	running := make(chan *mcpruntime.Process) // unbuffered: after forward, no signal cancels
	go func() {
		var r *mcpruntime.Process
		for {
			select {
			case r = <-running:
			case s := <-signals:
				switch sig := s.(unix.Signal); {
				case sig == unix.SIGTSTP:
					if r != nil {
						// not SIGTSTP: a session without a terminal ignores it
						_ = r.SignalGroup(unix.SIGSTOP)
					}
					unix.Kill(os.Getpid(), unix.SIGSTOP)
				case r != nil && (sig == unix.SIGCONT || fromTerminal(sig)):
					_ = r.SignalGroup(sig)
				case r != nil:
					_ = r.Signal(sig)
				case sig == unix.SIGINT || sig == unix.SIGTERM || sig == unix.SIGHUP ||
					sig == unix.SIGQUIT:
					cancel(interrupted(sig))
				}
			}
		}
	}()
	return ctx, func(r *mcpruntime.Process) { running <- r }
}

// fromTerminal reports whether sig may be a key of our terminal, which would have reached every
// process of the foreground group, the program's children too, had it run bare.
func fromTerminal(sig unix.Signal) bool {
	if sig != unix.SIGINT && sig != unix.SIGQUIT && sig != unix.SIGHUP && sig != unix.SIGWINCH {
		return false
	}
	tty, err := os.Open("/dev/tty")
	if err != nil {
		return false
	}
	defer tty.Close()
	foreground, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && (foreground == unix.Getpgrp() || sig == unix.SIGHUP)
}
