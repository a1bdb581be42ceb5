package workspace

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrImpossible: the folder can't be mounted in a running cell.
var ErrImpossible = errors.New("the folder can't be mounted in a sandbox that runs already")

// Options say how a folder is mounted.
type Options struct {
	ReadOnly bool
	Owner    *Owner // nil: started by an ordinary user, whose ids need no map
}

// Owner is how the folder's owner appears: id UID of the host becomes ToolUID of the host.
type Owner struct{ UID, GID, ToolUID, ToolGID int }

const recursive = unix.AT_EMPTY_PATH | unix.AT_RECURSIVE

// Tree returns a descriptor of the mount. folder may be opened with O_PATH.
func Tree(folder *os.File, o Options) (*os.File, error) {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV,
		Propagation: unix.MS_PRIVATE}
	if o.ReadOnly {
		attr.Attr_set |= unix.MOUNT_ATTR_RDONLY
	}
	if o.Owner == nil {
		return byHelper(folder, attr)
	}
	fd, err := unix.OpenTree(int(folder.Fd()), "",
		recursive|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("%w: open_tree: %w", ErrImpossible, err)
	}
	tree := os.NewFile(uintptr(fd), folder.Name())
	err = with(*o.Owner, func(namespace int) error {
		attr.Attr_set |= unix.MOUNT_ATTR_IDMAP
		attr.Userns_fd = uint64(namespace)
		return unix.MountSetattr(fd, "", recursive, &attr)
	})
	if err != nil {
		tree.Close()
		return nil, fmt.Errorf("%w: map the owner of its files: %w", ErrImpossible, err)
	}
	return tree, nil
}

// same reports whether both descriptors are of one file.
func same(a, b *os.File) bool {
	var x, y unix.Stat_t
	return unix.Fstat(int(a.Fd()), &x) == nil && unix.Fstat(int(b.Fd()), &y) == nil &&
		x.Dev == y.Dev && x.Ino == y.Ino
}
