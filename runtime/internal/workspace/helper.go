package workspace

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/runtime/internal/initbin"
)

// helper is mcpbox-init in a user namespace. It ends when its socket is closed.
type helper struct {
	process *os.Process
	socket  *os.File
}

// start runs a helper with these ids in its user namespace, and with a mount namespace if the ids
// are the caller's.
func start(uid, gid syscall.SysProcIDMap, flags uintptr) (*helper, error) {
	program, err := initbin.File()
	if err == nil {
		err = initbin.Sealed()
	}
	if err != nil {
		return nil, err
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "helper"), os.NewFile(uintptr(fds[1]), "helper")
	defer theirs.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		ours.Close()
		return nil, err
	}
	defer null.Close()
	var capabilities []uintptr
	if flags&unix.CLONE_NEWNS != 0 {
		capabilities = []uintptr{unix.CAP_SYS_ADMIN}
	}
	path := "/proc/self/fd/" + strconv.Itoa(int(program.Fd()))
	p, err := os.StartProcess(path, []string{"mcpbox-init", initproto.Mounts, initproto.Version},
		&os.ProcAttr{Dir: "/", Env: []string{}, Files: []*os.File{null, null, null, theirs},
			Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | flags, Setsid: true,
				AmbientCaps: capabilities, // execve keeps no others: its uid inside is not 0
				UidMappings: []syscall.SysProcIDMap{uid},
				GidMappings: []syscall.SysProcIDMap{gid}}})
	if err != nil {
		ours.Close()
		return nil, fmt.Errorf("%w: %w", ErrImpossible, err)
	}
	return &helper{p, ours}, nil
}

func (h *helper) stop() {
	h.socket.Close()
	_, _ = h.process.Wait()
}

// mounts is the ordinary user's helper, started when it is first needed.
var mounts struct {
	sync.Mutex
	*helper
}

// byHelper asks the helper. A helper that has ended is started anew.
func byHelper(folder *os.File, attr unix.MountAttr) (*os.File, error) {
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(folder.Fd())))
	if err != nil {
		return nil, err
	}
	mounts.Lock()
	defer mounts.Unlock()
	const attempts = 2
	for range attempts {
		if mounts.helper == nil {
			uid, gid := os.Geteuid(), os.Getegid()
			mounts.helper, err = start(syscall.SysProcIDMap{ContainerID: uid, HostID: uid, Size: 1},
				syscall.SysProcIDMap{ContainerID: gid, HostID: gid, Size: 1}, unix.CLONE_NEWNS)
			if err != nil {
				return nil, err
			}
		}
		tree, errno, ok := mounts.ask(path, attr.Attr_set)
		switch {
		case !ok:
			mounts.stop()
			mounts.helper = nil
			continue
		case errno != 0:
			return nil, fmt.Errorf("%w: open_tree %s: %w", ErrImpossible, path, errno)
		case !same(tree, folder): // mounted since the helper's start, or renamed
			tree.Close()
			mounts.stop() // a new one sees what is there now
			mounts.helper = nil
			continue
		}
		return tree, nil
	}
	return nil, fmt.Errorf("%w: %s is another folder for the helper", ErrImpossible, path)
}

// ask sends a request and waits for the answer. !ok: the helper is gone.
func (h *helper) ask(path string, attributes uint64) (tree *os.File, errno syscall.Errno, ok bool) {
	fd := int(h.socket.Fd())
	request := append(unsafe.Slice((*byte)(unsafe.Pointer(&attributes)), 8), path...)
	if unix.Sendmsg(fd, request, nil, nil, unix.MSG_NOSIGNAL) != nil {
		return nil, 0, false
	}
	var answer [4]byte
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := unix.Recvmsg(fd, answer[:], oob, unix.MSG_CMSG_CLOEXEC)
	for err == unix.EINTR {
		n, oobn, _, _, err = unix.Recvmsg(fd, answer[:], oob, unix.MSG_CMSG_CLOEXEC)
	}
	if err != nil || n != len(answer) {
		return nil, 0, false
	}
	if errno = syscall.Errno(*(*int32)(unsafe.Pointer(&answer))); errno != 0 {
		return nil, errno, true
	}
	messages, err := syscall.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		return nil, 0, false
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, 0, false
	}
	return os.NewFile(uintptr(fds[0]), path), 0, true
}

// namespaces are user namespaces whose maps are used for mounts.
var namespaces = struct {
	sync.Mutex
	of map[Owner]*os.File
}{of: map[Owner]*os.File{}}

// mostNamespaces bounds how many are kept.
const mostNamespaces = 64

// with calls use with a user namespace that has the owner's map. A namespace exists as long as a
// descriptor of it.
func with(o Owner, use func(fd int) error) error {
	namespaces.Lock()
	defer namespaces.Unlock()
	f := namespaces.of[o]
	if f == nil {
		var err error
		if f, err = newNamespace(o); err != nil {
			return err
		}
		for other, old := range namespaces.of {
			if len(namespaces.of) < mostNamespaces {
				break
			}
			delete(namespaces.of, other)
			old.Close()
		}
		namespaces.of[o] = f
	}
	return use(int(f.Fd()))
}

func newNamespace(o Owner) (*os.File, error) {
	h, err := start(syscall.SysProcIDMap{ContainerID: o.UID, HostID: o.ToolUID, Size: 1},
		syscall.SysProcIDMap{ContainerID: o.GID, HostID: o.ToolGID, Size: 1}, 0)
	if err != nil {
		return nil, err
	}
	defer h.stop()
	return os.Open("/proc/" + strconv.Itoa(h.process.Pid) + "/ns/user")
}
