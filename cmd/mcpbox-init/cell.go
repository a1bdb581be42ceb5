package main

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// endCell kills what a process that has ended leaves behind: a cell lives as long as the process that it
// was made for. The caller holds the lock, so nothing is started meanwhile.
func (in *initProcess) endCell() {
	if len(in.running) == 0 {
		// Everything but PID 1. The kernel holds up forks while it signals: no fork bomb escapes. kill(2)
		_ = unix.Kill(-1, unix.SIGKILL)
		return
	}
	for _, p := range in.running {
		if p.warm { // the supervisor never mixes the two: a warm cell's processes can't be told from strangers
			return
		}
	}
	// Who forks faster than it is killed is met again in the next round.
	const rounds = 10_000
	for range rounds {
		if !in.killStrangers() {
			return
		}
	}
	os.Exit(1) // and everything ends with PID 1
}

// killStrangers kills what belongs to no running process's cell, and reports whether there was anything.
// A process can't leave the user namespace of its cell: setns(2) needs capabilities. Where the kernel
// doesn't tell the namespace (of a program that may be executed and not read), it is a stranger.
func (in *initProcess) killStrangers() (found bool) {
	alive := map[uint64]bool{}
	for pid := range in.running {
		alive[userNamespace(pid)] = true
	}
	delete(alive, 0)
	names, err := processes()
	if err != nil {
		os.Exit(1)
	}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == 1 || in.running[pid] != nil || alive[userNamespace(pid)] || ended(name) {
			continue
		}
		found = unix.Kill(pid, unix.SIGKILL) == nil || found
	}
	return found
}

func processes() ([]string, error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.Readdirnames(-1)
}

// userNamespace is the inode of a process's user namespace, or 0. namespaces(7)
func userNamespace(pid int) uint64 {
	var st unix.Stat_t
	if unix.Stat("/proc/"+strconv.Itoa(pid)+"/ns/user", &st) != nil {
		return 0
	}
	return st.Ino
}

// ended reports whether a process is a zombie, or gone. proc_pid_stat(5)
func ended(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	state := bytes.LastIndexByte(stat, ')') + 2
	return err != nil || state >= len(stat) || stat[state] == 'Z' || stat[state] == 'X'
}
