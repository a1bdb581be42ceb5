// Package initbin holds mcpbox-init's executable. `make` builds it first; the
// file is not checked in.
//
//	f, err := initbin.File() // a sealed memfd, close-on-exec
//
// A sealed memfd can't be written through /proc/1/exe (CVE-2019-5736), leaves
// nothing on disk, and serves any number of sandboxes. memfd_create(2), Linux ≥ 3.17.
package initbin

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

//go:embed mcpbox-init
var executable []byte

// File returns the executable; the same descriptor for all callers, never closed.
var File = sync.OnceValues(func() (*os.File, error) {
	fd, err := unix.MemfdCreate("mcpbox-init", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // MFD_EXEC is from Linux 6.3
		fd, err = unix.MemfdCreate("mcpbox-init", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	f := os.NewFile(uintptr(fd), "mcpbox-init")
	if _, err := f.Write(executable); err != nil {
		f.Close()
		return nil, fmt.Errorf("write mcpbox-init: %w", err)
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE); err != nil {
		f.Close()
		return nil, fmt.Errorf("seal mcpbox-init: %w", err)
	}
	return f, nil
})
