package watchdog

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Stop stops every process below PID 1, for hosts without cgroup.freeze. It repeats until all have
// stopped, because a process may have forked meanwhile. signal(7)
func Stop(ctx context.Context, initPID int) error { return each(ctx, initPID, unix.SIGSTOP) }

// Continue lets them continue, including processes that the program itself had stopped.
func Continue(ctx context.Context, initPID int) error { return each(ctx, initPID, unix.SIGCONT) }

// each sends the signal to every process until all have stopped or continue.
func each(ctx context.Context, initPID int, sig unix.Signal) error {
	const most = 2 * time.Second
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	r := newReader(initPID, 0)
	for first := true; ; first = false {
		procs, alive := r.processes()
		if !alive {
			return os.ErrProcessDone
		}
		left := 0
		for _, p := range procs {
			// If the first thread of a process has ended, the state means nothing.
			if !done(p.pid, sig) {
				left++
			} else if !first {
				continue
			}
			r.signal(p.pid, sig)
		}
		if left == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Millisecond):
		}
	}
}

// signal sends the signal to a process, if the process is still in the sandbox. Its number may have
// been reused.
func (r *reader) signal(pid int, sig unix.Signal) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	namespace, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/pid")
	own, err2 := os.Readlink("/proc/" + strconv.Itoa(r.init) + "/ns/pid")
	if err == nil && err2 == nil && namespace == own {
		_ = unix.PidfdSendSignal(fd, sig, nil, 0) // it may have ended
	}
}

// done reports whether a process has stopped, or continues, as the signal requires.
// proc_pid_stat(5)
func done(pid int, sig unix.Signal) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	at := bytes.LastIndexByte(text, ')')
	if err != nil || at < 0 || at+2 >= len(text) {
		return true // it has ended
	}
	switch text[at+2] {
	case 'T', 't':
		return sig == unix.SIGSTOP
	case 'Z', 'X':
		return true
	case 'D':
		// It waits in the kernel, in vfork(2) for a child that has stopped, say, and stops before
		// it runs on.
		return sig == unix.SIGCONT || pending(pid, sig)
	}
	return sig == unix.SIGCONT
}

// pending reports whether the signal waits for a process. proc_pid_status(5)
func pending(pid int, sig unix.Signal) bool {
	text, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	_, rest, _ := bytes.Cut(text, []byte("\nShdPnd:\t"))
	set, _, _ := bytes.Cut(rest, []byte("\n"))
	bits, err := strconv.ParseUint(string(set), 16, 64)
	return err == nil && bits&(1<<(sig-1)) != 0
}
