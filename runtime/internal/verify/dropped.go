package verify

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Dropped returns an error if a thread of the process has one of the capabilities in any of its
// sets. proc_pid_status(5), capabilities(7)
func Dropped(pid int, capabilities ...uint) error {
	var wanted uint64
	for _, c := range capabilities {
		wanted |= 1 << c
	}
	dir := "/proc/" + strconv.Itoa(pid) + "/task/"
	threads, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, thread := range threads {
		data, err := os.ReadFile(dir + thread.Name() + "/status")
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // a thread that has ended
		}
		if err != nil {
			return err
		}
		if err := without(data, wanted); err != nil {
			return err
		}
	}
	return nil
}

// without checks the five sets in a status file.
func without(status []byte, wanted uint64) error {
	seen := 0
	for line := range bytes.Lines(status) {
		rest, ok := bytes.CutPrefix(line, []byte("Cap"))
		if !ok {
			continue
		}
		set, value, _ := bytes.Cut(rest, []byte(":"))
		value = bytes.TrimSpace(value)
		if caps, err := strconv.ParseUint(string(value), 16, 64); err != nil || caps&wanted != 0 {
			return fmt.Errorf("mcpbox-init should have dropped capabilities, but has Cap%s %q", set,
				value)
		}
		seen++
	}
	if seen != 5 {
		return fmt.Errorf("mcpbox-init's capabilities can't be read: %d sets of 5", seen)
	}
	return nil
}
