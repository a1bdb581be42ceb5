package main

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// reap reaps ended children. It reports those that mcpbox-init has started, and only reaps the
// tool's orphans.
func (in *initProcess) reap(ends <-chan os.Signal) {
	for range ends {
		in.reapAll()
	}
}

func (in *initProcess) reapAll() {
	for {
		var status unix.WaitStatus
		var usage unix.Rusage
		in.mu.Lock()
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, &usage)
		if err == unix.EINTR {
			in.mu.Unlock()
			continue
		}
		in.drop(pid)
		p := in.running[pid]
		if p != nil {
			delete(in.running, pid)
			if !p.warm { // a PID namespace ends with its reaper
				in.endCell()
			}
		}
		in.mu.Unlock()
		if err != nil || pid <= 0 {
			return
		}
		if p != nil {
			p.untold.Wait() // this is short: the child's end of the status pipe is closed
			_ = in.conn.Send(initproto.Message{Kind: initproto.Exited, Process: p.number,
				Exit: &initproto.Exit{
					Status:    int(status),
					UserUsec:  usage.Utime.Sec*1e6 + usage.Utime.Usec,
					SysUsec:   usage.Stime.Sec*1e6 + usage.Stime.Usec,
					MaxRSSKiB: usage.Maxrss,
				}}, nil)
		}
	}
}
