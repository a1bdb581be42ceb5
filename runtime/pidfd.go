package runtime

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/runtime/internal/verify"
)

// pidOf reads the process id of a pidfd, as this namespace sees it. pidfd_open(2)
func pidOf(pidfd int) (int, error) {
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

// callerUmask reads the caller's file mode mask, which umask(2) can't without setting it. proc_pid_status(5), Linux ≥ 4.7
func callerUmask() uint32 {
	if data, err := os.ReadFile("/proc/self/status"); err == nil {
		if mask, err := strconv.ParseUint(verify.Status(data)["Umask"], 8, 32); err == nil {
			return uint32(mask)
		}
	}
	return 0o022
}
