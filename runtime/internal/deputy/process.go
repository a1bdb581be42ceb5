package deputy

import (
	"os"
	"strconv"
)

// Owns reports whether pid, in task's PID namespace, is one of the tool's own processes or threads.
// It must exist, and must not be the sandbox's PID 1 or one of its threads. task is any process of
// the sandbox, numbered in this namespace.
func Owns(task, pid int) bool {
	return pid > 1 && there(task, strconv.Itoa(pid)) && !InitThread(task, pid)
}

// InitThread reports whether pid, in task's PID namespace, is the sandbox's PID 1 or one of its
// threads. Most calls also accept a thread's number for PID 1.
func InitThread(task, pid int) bool {
	return pid == 1 || pid > 1 && there(task, "1/task/"+strconv.Itoa(pid))
}

// there reports whether a path exists in the task's /proc.
func there(task int, path string) bool {
	_, err := os.Lstat("/proc/" + strconv.Itoa(task) + "/root/proc/" + path)
	return err == nil
}
