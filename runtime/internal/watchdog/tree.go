package watchdog

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
)

// descendants lists the processes below PID 1. A parent is listed before its children.
func (r *reader) descendants() []int {
	r.pids = r.pids[:0]
	if !r.children {
		r.scan()
		return r.pids
	}
	r.childrenOf(r.init)
	for i := 0; i < len(r.pids); i++ {
		r.childrenOf(r.pids[i])
	}
	return r.pids
}

// childrenOf asks each thread: a child belongs to the thread that made it.
func (r *reader) childrenOf(pid int) {
	p := strconv.Itoa(pid)
	dir, err := os.Open("/proc/" + p + "/task")
	if err != nil {
		return
	}
	threads, _ := dir.Readdirnames(-1)
	dir.Close()
	for _, tid := range threads {
		for f := range bytes.FieldsSeq(r.read(p, "task", tid, "children")) {
			if child, err := strconv.Atoi(string(f)); err == nil {
				r.pids = append(r.pids, child)
			}
		}
	}
}

// scan finds the processes by their parents, for kernels without CONFIG_PROC_CHILDREN.
func (r *reader) scan() {
	dir, err := os.Open("/proc")
	if err != nil {
		return
	}
	names, _ := dir.Readdirnames(-1)
	dir.Close()
	parent := map[int]int{}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if f := r.stat(pid); f != nil {
			parent[pid], _ = strconv.Atoi(string(f[1]))
		}
	}
	for pid := range parent {
		for up, depth := parent[pid], 0; up != 0 && depth < 1000; up, depth = parent[up], depth+1 {
			if up == r.init {
				r.pids = append(r.pids, pid)
				break
			}
		}
	}
}

func procPath(pid int, rest string) string { return fmt.Sprintf("/proc/%d/%s", pid, rest) }
