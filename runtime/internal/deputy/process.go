package deputy

import (
	"os"
	"strconv"
)

// Owns reports whether the number pid, as task means it, is one of the tool's own processes or threads: there, and
// neither the sandbox's PID 1 nor one of its threads. task is any process of the sandbox, in this namespace's numbers.
func Owns(task, pid int) bool {
	return pid > 1 && there(task, strconv.Itoa(pid)) && !InitThread(task, pid)
}

// InitThread reports whether pid, as task means it, is the sandbox's PID 1 or one of its threads, by whose number most
// calls take PID 1 too.
func InitThread(task, pid int) bool {
	return pid == 1 || pid > 1 && there(task, "1/task/"+strconv.Itoa(pid))
}

// there looks into the task's /proc.
func there(task int, path string) bool {
	_, err := os.Lstat("/proc/" + strconv.Itoa(task) + "/root/proc/" + path)
	return err == nil
}
