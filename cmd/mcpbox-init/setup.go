package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

// setup makes the folders, files and links of the tool's root, drops what only
// that needed, and hands out a descriptor of the root for disk usage (fstatfs).
func (in *initProcess) setup(body []byte) {
	var s initproto.SetupBody
	if err := json.Unmarshal(body, &s); err != nil {
		in.fail(0, initproto.Fault{Step: initproto.StepBody, Errno: unix.EBADMSG})
		return
	}
	if index, err := build(&s); err != nil {
		in.fail(0, fault(initproto.StepSetup, index, err))
		return
	}
	if err := keepOnly(unix.CAP_SETUID, unix.CAP_SETGID, unix.CAP_SETFCAP); err != nil {
		in.fail(0, fault(initproto.StepCaps, 0, err))
		return
	}
	storage, err := unix.Open(initproto.Root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		in.fail(0, fault(initproto.StepSetup, 0, err))
		return
	}
	in.conn.Send(initproto.Message{Kind: initproto.Ready}, nil, storage)
	unix.Close(storage)
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
		if err := os.WriteFile(inRoot(f.Path), f.Data, os.FileMode(f.Mode)); err != nil {
			return index, err
		}
		index++
	}
	for _, l := range s.Links {
		if err := os.Symlink(l.Target, inRoot(l.Path)); err != nil && !errors.Is(err, os.ErrExist) {
			return index, err
		}
		index++
	}
	return 0, nil
}

func makeDir(d initproto.Dir) error {
	path := inRoot(d.Path)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	if err := unix.Chmod(path, d.Mode); err != nil { // before it belongs to the tool: no CAP_FOWNER here
		return err
	}
	if !d.Tool {
		return nil
	}
	return unix.Chown(path, toolOuterID(), toolOuterID())
}

func inRoot(path string) string { return filepath.Join(initproto.Root, path) }

// toolOuterID is the id in this namespace that becomes the tool's: 1000 where it is mapped, else 0 (single-id map).
func toolOuterID() int {
	if data, err := os.ReadFile("/proc/self/uid_map"); err == nil && mapped(string(data), initproto.ToolID) {
		return initproto.ToolID
	}
	return 0
}

// keepOnly reduces all capability sets of every thread (capset(2) works on one: PR and Go's AllThreadsSyscall reach all).
func keepOnly(caps ...uint) error {
	var mask uint64
	for _, c := range caps {
		mask |= 1 << c
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{}
	var have [2]unix.CapUserData
	if err := unix.Capget(&header, &have[0]); err != nil {
		return err
	}
	for i := range data {
		keep := uint32(mask>>(32*i)) & have[i].Permitted
		data[i] = unix.CapUserData{Effective: keep, Permitted: keep}
	}
	return allThreadsCapset(&header, &data)
}

func fault(step initproto.Step, index int, err error) initproto.Fault {
	errno := unix.EIO
	var e syscall.Errno
	if errors.As(err, &e) {
		errno = e
	}
	return initproto.Fault{Step: step, Index: int32(index), Errno: errno}
}
