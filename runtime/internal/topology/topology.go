// Package topology keeps a copy of the host's facts about processors and memory nodes, for programs
// that need them: lscpu, hwloc, libnuma, and glibc for the sizes of caches. The copy is made once
// per boot, and mounted read-only into each sandbox as /sys/devices/system.
//
//	dir, err := topology.Folder(state)   // the state folder, which only its owner may write
//
// It is a copy and not a mount of sysfs: it does not show the host's activity (frequencies, idle
// times, temperatures), and it has no switches.
//
// sysfs-devices-system-cpu (Documentation/ABI), any Linux
package topology

import (
	"encoding/hex"
	"errors"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
)

const source = "/sys/devices/system"

// patterns are the files that are copied. They only change by hotplug.
var patterns = [...]string{
	"cpu/online", "cpu/offline", "cpu/possible", "cpu/present", "cpu/kernel_max", "cpu/isolated",
	"cpu/smt/active",
	"cpu/cpu[0-9]*/topology/*",
	"cpu/cpu[0-9]*/cache/index[0-9]*/*",
	"node/online", "node/possible", "node/has_cpu", "node/has_memory", "node/has_normal_memory",
	"node/node[0-9]*/cpulist", "node/node[0-9]*/cpumap", "node/node[0-9]*/distance",
	"node/node[0-9]*/meminfo",
}

// Folder returns the copy, and makes it if there is none for this boot and these processors.
func Folder(state string) (string, error) {
	name, err := key()
	if err != nil {
		return "", err
	}
	all := filepath.Join(state, "topology")
	dir := filepath.Join(all, name)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := makeFolders(state, "topology"); err != nil {
		return "", err
	}
	made, err := os.MkdirTemp(all, "new-")
	if err != nil {
		return "", err
	}
	if err = fill(made); err == nil {
		if err = os.Rename(made, dir); err == nil {
			return dir, nil
		}
	}
	os.RemoveAll(made)
	if _, there := os.Stat(dir); there == nil { // another process was faster
		return dir, nil
	}
	return "", err
}

// Expect returns a folder that stands for the copy in a plan: the source of the copy, or "" if
// there is nothing to copy. It creates nothing.
func Expect() string {
	if _, err := key(); err != nil {
		return ""
	}
	return source
}

// key returns a text that differs between boots and between sets of processors.
func key() (string, error) {
	h := fnv.New64a()
	for _, path := range []string{"/proc/sys/kernel/random/boot_id", source + "/cpu/online"} {
		data, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func fill(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil { // tools with other ids read it
		return err
	}
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(source, pattern))
		if err != nil {
			return err
		}
		for _, path := range paths {
			if err := copyFile(dir, path); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyFile(dir, path string) error {
	st, err := os.Lstat(path)
	if err != nil || !st.Mode().IsRegular() || st.Mode().Perm()&0o444 != 0o444 {
		return nil // not a regular file, or not readable for everybody
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil // the kernel refuses to show what the firmware does not know
	}
	rel, err := filepath.Rel(source, path)
	if err != nil {
		return err
	}
	to := filepath.Join(dir, rel)
	if err := makeFolders(dir, filepath.Dir(rel)); err != nil {
		return err
	}
	if err := os.WriteFile(to, data, 0o444); err != nil {
		return err
	}
	return os.Chmod(to, 0o444)
}

// makeFolders is like MkdirAll, but ignores the caller's umask.
func makeFolders(dir, rel string) error {
	if rel == "." {
		return nil
	}
	if err := makeFolders(dir, filepath.Dir(rel)); err != nil {
		return err
	}
	path := filepath.Join(dir, rel)
	err := os.Mkdir(path, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Chmod(path, 0o755)
}
