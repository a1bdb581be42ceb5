package cgroups

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// unknown marks a value that this kernel does not report.
const unknown = -1

// gone reports whether the cgroup was removed: ENOENT at open, ENODEV at read.
func gone(err error) bool {
	return errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ENODEV)
}

func exists(dir, name string) bool {
	return unix.Access(filepath.Join(dir, name), unix.F_OK) == nil
}

func writable(dir, name string) bool {
	return unix.Access(filepath.Join(dir, name), unix.W_OK) == nil
}

func readFields(dir, name string) ([]string, error) {
	b, err := os.ReadFile(filepath.Join(dir, name))
	return strings.Fields(string(b)), err
}

// readInt returns unknown for a missing file and for "max".
func readInt(dir, name string) int64 {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return unknown
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	if err != nil {
		return unknown
	}
	return n
}

// writeFile never creates a file: in cgroupfs, a missing file means a missing controller.
func writeFile(dir, name, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// flatKeyed returns the value of a key in a text of "key value\n" lines.
func flatKeyed(text []byte, key string) int64 {
	for line := range bytes.Lines(text) {
		k, v, ok := bytes.Cut(line, []byte(" "))
		if !ok || string(k) != key {
			continue
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(v)), 10, 64)
		if err != nil {
			return unknown
		}
		return n
	}
	return unknown
}
