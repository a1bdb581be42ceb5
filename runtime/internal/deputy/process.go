package deputy

import (
	"os"
	"strconv"
)

// Owns reports whether the number pid, as task means it, is one of the tool's own processes or threads: there, and
// neither the sandbox's PID 1 nor one of its threads. task is any process of the sandbox, in this namespace's numbers.
func Owns(task, pid int) bool {
	proc := "/proc/" + strconv.Itoa(task) + "/root/proc/"
	there := func(path string) bool {
		_, err := os.Lstat(proc + path)
		return err == nil
	}
	number := strconv.Itoa(pid)
	return pid > 1 && there(number) && !there("1/task/"+number)
}
