package deputy

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/seccomp"
)

// AddWatch adds an inotify watch for the tool, if the file is in a mount that the tool may write
// to. A watch on a file that the tool can only read would reveal what the host does with it, such
// as which programs of /usr/bin it executes. Device nodes belong to the host, too. For these, and
// if it can't decide, ok is false. allows says whether the policy would allow the call. inside is
// for files that this process may not reach.
func AddWatch(c *seccomp.Call, allows func(*seccomp.Call) bool, tool Tool, inside Inside) (
	a seccomp.Answer, ok bool) {
	if c.ArchName != "" || !allows(c) {
		return a, false
	}
	if c.Path == nil {
		return seccomp.Answer{Errno: unix.EFAULT}, true
	}
	instance, err := takeFD(c.PID, arg32(c, 0))
	if err != nil || !c.Waiting() {
		return failed(err)
	}
	defer unix.Close(instance)
	mask := uint32(c.Raw[2])
	if name, _ := os.Readlink(self(instance)); name != "anon_inode:inotify" {
		return seccomp.Answer{Errno: unix.EINVAL}, true
	}
	run := func() {
		var fd int
		if fd, err = watchable(c, mask); err != nil {
			return
		}
		defer unix.Close(fd)
		// The pinned file is a link's target, or the link itself. It must not be followed again.
		a.Result, err = addWatch(instance, self(fd), mask&^unix.IN_DONT_FOLLOW)
	}
	err = unix.EPERM
	if os.Geteuid() == 0 && tool.UID != 0 {
		as(tool, run)
	} else {
		run() // the tool has this user's id, or one from this user's range
	}
	if err == unix.EACCES && os.Geteuid() != 0 && os.Geteuid() != tool.UID {
		// A folder of the tool that this user may not enter.
		a.Result, err = addInside(c, instance, mask, inside)
	}
	if err == unix.ENOENT && strings.Contains(*c.Path, "self") {
		return a,
			false // /proc/self is somebody else here: what it leads to is refused, and reported
	}
	if err != nil {
		return failed(err)
	}
	a.Done = true
	return a, true
}

// Inside adds a watch with the rights that the tool has, and with the same conditions. path is
// absolute, below root. mask has no IN_DONT_FOLLOW; flags are O_NOFOLLOW or 0.
type Inside func(root, instance int, path string, flags uint64, mask uint32) (int64, error)

func addInside(c *seccomp.Call, instance int, mask uint32, inside Inside) (int64, error) {
	if _, ok := Descriptor(*c.Path, 0); ok {
		return 0, unix.EPERM
	}
	path, err := absolute(c.PID, unix.AT_FDCWD, *c.Path)
	if err != nil {
		return 0, err
	}
	root, err := rootOf(c.PID)
	if err != nil {
		return 0, err
	}
	defer unix.Close(root)
	if !c.Waiting() {
		return 0, unix.ESRCH
	}
	return inside(root, instance, path, follow(mask), mask&^unix.IN_DONT_FOLLOW)
}

// follow returns the flags to open what the mask is about.
func follow(mask uint32) uint64 {
	if mask&unix.IN_DONT_FOLLOW != 0 {
		return unix.O_NOFOLLOW
	}
	return 0
}

// failed answers with the error that the kernel would return. If the tool may not watch the file,
// the call is refused.
func failed(err error) (a seccomp.Answer, ok bool) {
	a.Errno, ok = err.(syscall.Errno)
	return a, ok && a.Errno != unix.EPERM && a.Errno != unix.ELOOP
}

// addWatch is inotify_add_watch(2).
func addWatch(fd int, path string, mask uint32) (int64, error) {
	wd, err := unix.InotifyAddWatch(fd, path, mask)
	return int64(wd), err
}

// watchable pins the file of the call. EPERM means that the tool may not watch it.
func watchable(c *seccomp.Call, mask uint32) (int, error) {
	if *c.Path == "" {
		return -1, unix.ENOENT
	}
	fd, err := resolve(c.PID, unix.AT_FDCWD, *c.Path, follow(mask))
	if err != nil {
		return -1, err
	}
	if err := private(c, fd); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// private returns nil for a file in a mount of the tool that it may write to.
func private(c *seccomp.Call, fd int) error {
	var st unix.Statx_t
	var fs unix.Statfs_t
	err := unix.Statx(fd, "", unix.AT_EMPTY_PATH, unix.STATX_TYPE|unix.STATX_MNT_ID, &st)
	if err == nil {
		err = unix.Fstatfs(fd, &fs)
	}
	if err != nil {
		return err
	}
	kind := st.Mode & unix.S_IFMT
	if fs.Flags&unix.ST_RDONLY != 0 || kind == unix.S_IFCHR || kind == unix.S_IFBLK {
		return unix.EPERM
	}
	// Through a descriptor, the path may lead to files that the caller has passed, outside of all
	// mounts.
	if _, ok := Descriptor(*c.Path, 0); ok && !hasMount(c.PID, st.Mnt_id) {
		return unix.EPERM
	}
	if !c.Waiting() {
		return unix.ESRCH
	}
	return nil
}

// hasMount reports whether the task has this mount.
func hasMount(task int, id uint64) bool {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(task) + "/mountinfo")
	if err != nil {
		return false
	}
	prefix := append(strconv.AppendUint(nil, id, 10), ' ')
	return bytes.HasPrefix(data, prefix) || bytes.Contains(data, append([]byte{'\n'}, prefix...))
}

// as runs f with only the tool's rights to files. A supervisor that is root needs it: otherwise the
// tool could find out what is in folders that it may not search. credentials(7)
func as(tool Tool, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with the goroutine
		_, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0)
		if errno != 0 {
			return
		}
		dumpable, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		_ = unix.Setfsgid(tool.GID)
		_ = unix.Setfsuid(tool.UID)
		if dumpable == 1 { // a change of ids clears it for the whole process
			_ = unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)
		}
		if id, _ := unix.SetfsuidRetUid(-1); id != tool.UID {
			return
		}
		f()
	}()
	<-done
}

// takeFD duplicates a descriptor of the task. pidfd_getfd(2)
func takeFD(task, fd int) (int, error) {
	// A thread may have descriptors of its own. Linux before 6.9 knows a process's first one only.
	pidfd, err := unix.PidfdOpen(task, unix.O_EXCL) // PIDFD_THREAD
	if err == unix.EINVAL {
		pidfd, err = unix.PidfdOpen(task, 0)
	}
	if err == unix.EINVAL {
		pidfd, err = unix.PidfdOpen(threadGroup(task), 0)
	}
	if err != nil {
		return -1, unix.EPERM
	}
	defer unix.Close(pidfd)
	return unix.PidfdGetfd(pidfd, fd, 0)
}

// threadGroup returns the process of a thread, or 0 if the thread has ended.
func threadGroup(task int) int {
	data, _ := os.ReadFile("/proc/" + strconv.Itoa(task) + "/status")
	_, rest, _ := bytes.Cut(data, []byte("\nTgid:\t"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	pid, _ := strconv.Atoi(string(line))
	return pid
}
