package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

var mebibyte = make([]byte, 1<<20)

// fill writes mib files of one MiB into dir. The disk limit stops it, not the limit of file sizes.
func fill(dir string, mib int) error {
	for i := range mib {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("fill-%d", i)), mebibyte,
			0o600); err != nil {
			return err
		}
	}
	return nil
}

// bigFile writes one file of mib MiB. It ignores SIGXFSZ, so that the limit shows as an errno.
func bigFile(path string, mib int) error {
	signal.Ignore(syscall.SIGXFSZ)
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for range mib {
		if _, err := f.Write(mebibyte); err != nil {
			return err
		}
	}
	return nil
}

// openFiles holds n descriptors open at once.
func openFiles(n int) error {
	for range n {
		if _, err := syscall.Open("/", syscall.O_RDONLY, 0); err != nil {
			return err
		}
	}
	return nil
}
