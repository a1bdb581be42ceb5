package container

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"

	"github.com/opencontainers/runc/libcontainer"
	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/initproto"
)

// initFD is the inherited descriptor of mcpbox-init's executable, after the control socket.
const (
	initFD = 4
)

// Container is a started container. Its PID 1 waits for requests.
type Container struct {
	PID int // of mcpbox-init, in the caller's PID namespace

	c    *libcontainer.Container
	dir  string
	done chan struct{} // mcpbox-init has been reaped

	exitCode int      // of mcpbox-init, once done is closed
	fd       *os.File // its pidfd, because the number may be reused

	close sync.Once
}

// Warm does in the background what the first Start in a process would otherwise wait for: package
// os tests pidfds once, with a clone, and encoding/json analyses each type once. libcontainer's
// configuration has a hundred types.
func Warm() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		self.Release()
	}
	_ = json.NewEncoder(io.Discard).Encode(libcontainer.State{})
}

// Start creates the namespaces and mounts, and runs mcpbox-init. After an error nothing is left.
func Start(cfg Config) (*Container, error) {
	leaveV1Alone()
	useHostProc()
	logrus.SetOutput(io.Discard) // libcontainer also returns these errors
	root, err := outerRoot(cfg.StateDir)
	if err != nil {
		return nil, fmt.Errorf("state folder: %w", err)
	}
	lc, err := libcontainerConfig(cfg, root)
	if err != nil {
		return nil, err
	}
	lib, err := libcontainer.Create(cfg.StateDir, cfg.ID, lc)
	if err != nil {
		return nil, translate(fmt.Errorf("create: %w", err))
	}
	c := &Container{c: lib, dir: filepath.Join(cfg.StateDir, cfg.ID), done: make(chan struct{})}
	process := &libcontainer.Process{
		Args: []string{"/proc/self/fd/" + strconv.Itoa(initFD), initproto.Version},
		Cwd:  "/",
		Env:  []string{"GOGC=50", "GOMAXPROCS=1"},
		// small, because it runs as long as the sandbox
		Init:       true,
		LogLevel:   "2", // errors only: nobody reads the rest, which would be sent as JSON
		ExtraFiles: []*os.File{cfg.Control, cfg.Init},
	}
	started := make(chan error, 1)
	go func() {
		// PR_SET_PDEATHSIG watches the thread that forked, so this thread must live as long as PID
		// 1. prctl(2)
		runtime.LockOSThread() // and it ends with the goroutine: its session keyring is another one
		defer close(c.done)
		err := sharedKeyring(cfg)
		if err == nil {
			err = lib.Start(process)
		}
		if err != nil {
			started <- err
			return
		}
		if err = cfg.Sealed(); err == nil {
			err = lib.Exec()
		}
		if err == nil {
			err = c.identify(process)
		} else {
			_ = process.Signal(unix.SIGKILL)
		}
		started <- err
		if state, _ := process.Wait(); state != nil {
			c.exitCode = state.ExitCode()
		}
	}()
	if err := <-started; err != nil {
		_ = c.Destroy()
		if owner := unmappable(err, cfg.Plan); owner != nil {
			return nil, owner
		}
		return nil, translate(err)
	}
	return c, nil
}

// identify records PID 1's number and opens its pidfd, before PID 1 can be reaped.
func (c *Container) identify(p *libcontainer.Process) error {
	pid, err := p.Pid()
	if err != nil {
		return err
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		_ = p.Signal(unix.SIGKILL)
		return fmt.Errorf("pidfd_open: %w", err)
	}
	c.PID, c.fd = pid, os.NewFile(uintptr(fd), "pidfd")
	return nil
}

// Ended waits for the end of mcpbox-init, and returns the reason if it is known.
func (c *Container) Ended() error {
	<-c.done
	if c.exitCode == initproto.ExitVersion {
		return hint.Errorf("run `make build`, or `go build` both programs from one source tree",
			"mcpbox-init has another version than this program")
	}
	return nil
}

// Done is closed when mcpbox-init has been reaped, and with it every process of the PID namespace
// has ended.
func (c *Container) Done() <-chan struct{} { return c.done }

// Kill ends PID 1, and with it all processes of the sandbox. It may be called at any time.
func (c *Container) Kill() {
	if c.fd == nil {
		return
	}
	conn, err := c.fd.SyscallConn() // while it is in use, Destroy does not close it
	if err == nil {
		_ = conn.Control(func(fd uintptr) {
			_ = unix.PidfdSendSignal(int(fd), unix.SIGKILL, nil, 0)
		})
	}
}

// Destroy kills running processes, waits for their end, and removes the files on disk. It may be
// called twice.
func (c *Container) Destroy() error {
	c.Kill()
	// The end of PID 1 takes a while, because removing the mounts waits for an RCU grace period.
	// This happens meanwhile. libcontainer's own Destroy would also handle cgroups.
	err := os.RemoveAll(c.dir)
	<-c.done
	c.close.Do(func() {
		if c.fd != nil {
			c.fd.Close()
		}
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove state folder: %w", err)
	}
	return nil
}
