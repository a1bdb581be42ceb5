package main

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// endCell kills what a process that has ended leaves behind, because a cell lives only as long as
// its first process. The caller holds the lock, so that no process is started meanwhile.
func (in *initProcess) endCell() {
	if len(in.running) == 0 {
		// Every process except PID 1. The kernel allows no fork meanwhile, so no fork bomb escapes.
		// kill(2)
		_ = unix.Kill(-1, unix.SIGKILL)
		return
	}
	for _, p := range in.running {
		if p.warm {
			// The supervisor never mixes the two, because strangers look like processes of a warm
			// cell.
			return
		}
	}
	// If processes fork faster than they are killed, the next round finds the new ones.
	const rounds = 10_000
	for range rounds {
		if !in.killStrangers() {
			return
		}
	}
	os.Exit(1) // everything ends with PID 1
}

// killStrangers kills processes that do not belong to the cell of a running process, and reports
// whether there were any. A process can't leave the user namespace of its cell, because setns(2)
// needs capabilities. If the kernel does not reveal the namespace (for a program that may be
// executed but not read), the process counts as a stranger.
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
		if err != nil || pid == 1 || in.running[pid] != nil || alive[userNamespace(pid)] ||
			ended(name) {
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

// userNamespace returns the inode of a process's user namespace, or 0. namespaces(7)
func userNamespace(pid int) uint64 {
	var st unix.Stat_t
	if unix.Stat("/proc/"+strconv.Itoa(pid)+"/ns/user", &st) != nil {
		return 0
	}
	return st.Ino
}

// ended reports whether a process is a zombie or does not exist. proc_pid_stat(5)
func ended(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	state := bytes.LastIndexByte(stat, ')') + 2
	return err != nil || state >= len(stat) || stat[state] == 'Z' || stat[state] == 'X'
}
