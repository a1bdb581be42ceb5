// Package initbin holds mcpbox-init's executable. `make` builds it first; the
// file is not checked in.
//
//	f, err := initbin.File() // a memfd, close-on-exec, to be inherited
//	err = initbin.Sealed()   // before anybody executes it
//
// A sealed memfd can't be written through /proc/1/exe (CVE-2019-5736), leaves
// nothing on disk, and serves any number of sandboxes. It may be filled
// while the container is being made, which takes longer. memfd_create(2), Linux ≥ 3.17.
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

// File returns the executable; the same descriptor for all callers, never closed. It may be empty still.
var File = sync.OnceValues(func() (*os.File, error) {
	fd, err := unix.MemfdCreate("mcpbox-init", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // MFD_EXEC is from Linux 6.3
		fd, err = unix.MemfdCreate("mcpbox-init", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	return os.NewFile(uintptr(fd), "mcpbox-init"), nil
})

// Sealed fills File, once, and returns when nobody can change it any more.
var Sealed = sync.OnceValue(func() error {
	f, err := File()
	if err != nil {
		return err
	}
	if _, err := f.Write(executable); err != nil {
		return fmt.Errorf("write mcpbox-init: %w", err)
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE); err != nil {
		return fmt.Errorf("seal mcpbox-init: %w", err)
	}
	return nil
})
