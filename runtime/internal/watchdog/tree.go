package watchdog

import (
	"bytes"
	"os"
	"strconv"
)

// childrenOf reads each thread, because a child belongs to the thread that created it.
func (r *reader) childrenOf(p process, pids []int) []int {
	pid := strconv.Itoa(p.pid)
	threads := []string{pid}
	if p.threads != 1 {
		threads = names("/proc/" + pid + "/task")
	}
	for _, tid := range threads {
		for f := range bytes.FieldsSeq(r.read(pid, "task", tid, "children")) {
			if child, err := strconv.Atoi(string(f)); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// scan finds the processes by their parents, for kernels without CONFIG_PROC_CHILDREN.
func (r *reader) scan() []int {
	parent := map[int]int{}
	for _, name := range names("/proc") {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if f := r.stat(pid); f != nil {
			parent[pid], _ = strconv.Atoi(string(f[1]))
		}
	}
	var pids []int
	for pid := range parent {
		// Bounded, because parents that are read at different moments could form a cycle.
		up := parent[pid]
		for depth := 0; up != 0 && depth < len(parent); up, depth = parent[up], depth+1 {
			if up == r.init {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}

func names(dir string) []string {
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	list, _ := f.Readdirnames(-1)
	return list
}
