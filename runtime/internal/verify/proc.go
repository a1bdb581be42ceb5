package verify

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// PIDOf returns the process id of a pidfd, in this namespace. pidfd_open(2)
func PIDOf(pidfd int) (int, error) {
	data, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(pidfd))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if v, ok := strings.CutPrefix(line, "Pid:"); ok {
			pid, err := strconv.Atoi(strings.TrimSpace(v))
			if err == nil && pid > 0 {
				return pid, nil
			}
		}
	}
	return 0, unix.ESRCH
}

// Umask reads this process's file mode mask. umask(2) cannot read it without setting it.
// proc_pid_status(5), Linux ≥ 4.7
func Umask() uint32 {
	if data, err := os.ReadFile("/proc/self/status"); err == nil {
		if mask, err := strconv.ParseUint(Status(data)["Umask"], 8, 32); err == nil {
			return uint32(mask)
		}
	}
	return 0o022
}
