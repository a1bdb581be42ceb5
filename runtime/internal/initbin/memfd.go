package initbin

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// File returns the memfd. All callers get the same one, and nobody closes it. It may still be
// empty.
var File = sync.OnceValues(func() (*os.File, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate("mcpbox-init", flags|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // MFD_EXEC is from Linux 6.3
		fd, err = unix.MemfdCreate("mcpbox-init", flags)
	}
	if err != nil {
		return nil, fmt.Errorf("memfd_create: %w", err)
	}
	return os.NewFile(uintptr(fd), "mcpbox-init"), nil
})

// Sealed fills File once, and returns when nobody can change it any more. It can run while the
// container is made, which takes longer.
var Sealed = sync.OnceValue(func() error {
	f, err := File()
	if err != nil {
		return err
	}
	source, err := open()
	if err != nil {
		return err
	}
	defer source.Close()
	if _, err := io.CopyBuffer(struct{ io.Writer }{f}, source, make([]byte, 128<<10)); err != nil {
		return fmt.Errorf("copy mcpbox-init: %w", err)
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		return fmt.Errorf("seal mcpbox-init: %w", err)
	}
	return nil
})
