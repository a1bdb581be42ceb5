package main

import (
	"bytes"
	"os"
)

// flood writes mib MiB of lines to stdout.
func flood(mib int) error {
	line := bytes.Repeat([]byte("x"), 1023)
	block := bytes.Repeat(append(line, '\n'), 64)
	for range mib * 16 {
		if _, err := os.Stdout.Write(block); err != nil {
			return err
		}
	}
	return nil
}
