package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// setup makes the folders, files and links of the tool's root. It sends the supervisor a descriptor
// of it for disk usage (fstatfs), and two that show memory in the sandbox's namespaces: the list of
// shared memory, and a socket that lists sockets. sysvipc(7), sock_diag(7)
func (in *initProcess) setup(body []byte) {
	var s initproto.SetupBody
	if err := initproto.Decode(body, &s); err != nil {
		in.fail(0, initproto.Fault{Step: initproto.StepBody, Errno: unix.EBADMSG})
		return
	}
	if index, err := build(&s); err != nil {
		in.fail(0, fault(initproto.StepSetup, index, err))
		return
	}
	storage, err := unix.Open(initproto.Root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		in.fail(0, fault(initproto.StepSetup, 0, err))
		return
	}
	fds := []int{storage}
	if segments, err := unix.Open(initproto.Segments, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
		fds = append(fds, segments) // a kernel without CONFIG_SYSVIPC has neither
	}
	if sockets, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC,
		unix.NETLINK_SOCK_DIAG); err == nil {
		fds = append(fds, sockets)
	}
	_ = in.conn.Send(initproto.Message{Kind: initproto.Ready}, nil, fds...)
	initproto.CloseAll(fds)
}

func build(s *initproto.SetupBody) (index int, err error) {
	unix.Umask(0)
	defer unix.Umask(0o022)
	for _, d := range s.Dirs {
		if err := makeDir(d); err != nil {
			return index, err
		}
		index++
	}
	for _, f := range s.Files {
		write := func() error {
			return writeFile(inRoot(f.Path), unix.O_CREAT|unix.O_TRUNC, uint32(f.Mode), f.Data)
		}
		err := write()
		if errors.Is(err, unix.EACCES) { // in a folder that the tool owns
			err = asTool(write)
		}
		if err != nil {
			return index, err
		}
		index++
	}
	for _, l := range s.Links {
		if err := unix.Symlink(l.Target, inRoot(l.Path)); err != nil && err != unix.EEXIST {
			return index, err
		}
		index++
	}
	return 0, nil
}

// writeFile does what os.WriteFile does, without the calls that find out whether a file can be
// polled. A start writes 25 files.
func writeFile(path string, flags int, mode uint32, data []byte) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC|flags, mode)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for len(data) > 0 {
		n, err := unix.Write(fd, data)
		if err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

func makeDir(d initproto.Dir) error {
	path := inRoot(d.Path)
	if d.Tool {
		return makeToolDir(path, d.Mode)
	}
	// With a umask of 0, which is the usual one, a new folder has its mode at once.
	err := unix.Mkdir(path, d.Mode)
	if err == unix.ENOENT {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		err = unix.Mkdir(path, d.Mode)
	}
	if err == unix.EEXIST {
		err = unix.Chmod(path, d.Mode)
	}
	return err
}

// makeToolDir makes a folder that the tool owns, without CAP_CHOWN. In a folder that the tool owns,
// it works with the tool's id. Otherwise it makes the parent writable for a moment. No tool runs
// yet.
func makeToolDir(path string, mode uint32) error {
	parent := filepath.Dir(path)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	mkdir := func() error {
		if err := unix.Mkdir(path, mode); err != unix.EEXIST {
			return err
		}
		return nil
	}
	if err := asTool(mkdir); err != unix.EACCES {
		return err
	}
	if err := unix.Chmod(parent, 0o777); err != nil {
		return err
	}
	if err := asTool(mkdir); err != nil {
		return err
	}
	return unix.Chmod(parent, 0o755)
}

// asTool runs work with the file system ids of the tool. setfsuid(2) acts on one thread.
func asTool(work func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	id := toolOuterID()
	_, _ = unix.SetfsgidRetGid(id)
	_, _ = unix.SetfsuidRetUid(id)
	err := work()
	_, _ = unix.SetfsuidRetUid(0)
	_, _ = unix.SetfsgidRetGid(0)
	return err
}

func inRoot(path string) string { return filepath.Join(initproto.Root, path) }

// toolOuterID returns the id in this namespace that becomes the tool's: 1000 if it is mapped,
// otherwise 0 (single-id map).
var toolOuterID = sync.OnceValue(func() int {
	if data, err := os.ReadFile("/proc/self/uid_map"); err == nil && mapped(string(data),
		initproto.ToolID) {
		return initproto.ToolID
	}
	return 0
})

func fault(step initproto.Step, index int, err error) initproto.Fault {
	errno := unix.EIO
	var e syscall.Errno
	if errors.As(err, &e) {
		errno = e
	}
	return initproto.Fault{Step: step, Index: int32(index), Errno: errno}
}
