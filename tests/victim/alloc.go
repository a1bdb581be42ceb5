package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// alloc allocates mib MiB, one at a time, and touches every page so that it counts.
func alloc(mib int) error {
	for range mib {
		block, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE,
			unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
		if err != nil {
			return err
		}
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
	}
	return nil
}

// hold allocates mib MiB and keeps them for this many seconds.
func hold(mib, seconds int) error {
	if err := alloc(mib); err != nil {
		return err
	}
	time.Sleep(time.Duration(seconds) * time.Second)
	return nil
}
