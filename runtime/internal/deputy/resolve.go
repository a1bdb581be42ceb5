package deputy

import (
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/seccomp"
)

// Tool holds the tool's ids, in this namespace.
type Tool struct{ UID, GID int }

// resolve pins the file that path means for the task: relative to dirfd or its working folder, with
// links resolved within its root. flags are O_NOFOLLOW or 0. The caller closes the descriptor.
func resolve(task, dirfd int, path string, flags uint64) (int, error) {
	if n, ok := Descriptor(path, 0); ok && flags == 0 {
		return pinFD(task, n) // a link of /proc, which another process can't follow by its text
	}
	path, err := absolute(task, dirfd, path)
	if err != nil {
		return -1, err
	}
	root, err := rootOf(task)
	if err != nil {
		return -1, err
	}
	defer unix.Close(root)
	return unix.Openat2(root, path, &unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_CLOEXEC | flags,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	})
}

// absolute returns a path from the task's root for one that may be relative.
func absolute(task, dirfd int, path string) (string, error) {
	if path != "" && path[0] == '/' {
		return path, nil
	}
	base := "/proc/" + strconv.Itoa(task) + "/cwd"
	if dirfd != unix.AT_FDCWD {
		base = "/proc/" + strconv.Itoa(task) + "/fd/" + strconv.Itoa(dirfd)
	}
	at, err := os.Readlink(base)
	return at + "/" + path, err
}

// rootOf pins the task's root.
func rootOf(task int) (int, error) {
	return unix.Open("/proc/"+strconv.Itoa(task)+"/root",
		unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}

// Descriptor returns the number of the descriptor that a path names for the process pid. pid is its
// number in its own namespace.
func Descriptor(p string, pid int) (int, bool) {
	switch p = path.Clean(p); p {
	case "/dev/stdin":
		return 0, true
	case "/dev/stdout":
		return 1, true
	case "/dev/stderr":
		return 2, true
	}
	for _, dir := range []string{"/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/", "/proc/" +
		strconv.Itoa(pid) + "/fd/"} {
		if rest, ok := strings.CutPrefix(p, dir); ok {
			n, err := strconv.ParseUint(rest, 10, 31)
			return int(n), err == nil
		}
	}
	return 0, false
}

// pinFD pins the file behind one of the task's descriptors.
func pinFD(task, fd int) (int, error) {
	return unix.Open("/proc/"+strconv.Itoa(task)+"/fd/"+strconv.Itoa(fd),
		unix.O_PATH|unix.O_CLOEXEC, 0)
}

// self returns a path with which this process reaches the file that fd pins.
func self(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// arg32 returns an argument that the kernel reads as an int.
func arg32(c *seccomp.Call, i int) int { return int(int32(uint32(c.Raw[i]))) }
