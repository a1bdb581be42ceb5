package clientconfig

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// BackupSuffix ends the name of a backup, which is next to the file.
const BackupSuffix = ".mcpbox-backup"

// maxFile is far larger than any configuration.
const maxFile = 64 << 20

// Change says what was done to a file.
type Change struct {
	Path    string // symbolic links resolved
	Backup  string // "" if there is none
	Servers []Server
	Before  []byte
	After   []byte
}

// Changed reports whether the file has changed.
func (c *Change) Changed() bool { return !bytes.Equal(c.Before, c.After) }

// WrapFile applies Wrap to a file. A backup of the file without mcpbox is on disk before the file
// is replaced.
//
// show, if it is not nil, is called before the file is written. If it returns an error, the file is
// not written.
func WrapFile(path string, o Options, dryRun bool, show func(*Change) error) (*Change, error) {
	c, err := open(path)
	if err != nil {
		return nil, err
	}
	if o.Format, err = FormatOf(path, c.Before); err != nil {
		return nil, err
	}
	if c.After, c.Servers, err = Wrap(c.Before, o); err != nil {
		return nil, inFile(path, err)
	}
	c.Backup = c.Path + BackupSuffix
	if show != nil {
		if err := show(c); err != nil {
			return nil, err
		}
	}
	if dryRun || !c.Changed() {
		return c, nil
	}
	if err := c.backUp(o); err != nil {
		return nil, err
	}
	return c, c.replace()
}

// UnwrapFile applies Unwrap to a file. If the file then equals the backup, the backup is removed.
func UnwrapFile(path string, o Options, dryRun bool) (*Change, error) {
	c, err := open(path)
	if err != nil {
		return nil, err
	}
	backup, err := os.ReadFile(c.Path + BackupSuffix)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, hint.Errorf("make it readable for your account", "read the backup: %w", err)
	}
	if o.Format, err = FormatOf(path, c.Before); err != nil {
		return nil, err
	}
	if c.After, c.Servers, err = Unwrap(c.Before, backup, o); err != nil {
		return nil, inFile(path, err)
	}
	if backup != nil {
		c.Backup = c.Path + BackupSuffix
	}
	if dryRun || !c.Changed() {
		return c, nil
	}
	if err := c.replace(); err != nil {
		return nil, err
	}
	if backup != nil && bytes.Equal(backup, c.After) {
		os.Remove(c.Backup)
		c.Backup = ""
	}
	return c, nil
}

func open(path string) (*Change, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, hint.Errorf("name the client's configuration file", "client config: %w", err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, hint.Errorf("name the client's configuration file",
			"client config %s: not a file of at most 64 MiB", path)
	}
	data, err := os.ReadFile(real)
	if err != nil {
		return nil, hint.Errorf("make it readable for your account", "client config: %w", err)
	}
	return &Change{Path: real, Before: data, After: data}, nil
}

// inFile adds the file's name to an error with a position.
func inFile(path string, err error) error {
	var syntax *SyntaxError
	if errors.As(err, &syntax) {
		return hint.Errorf("correct the file at that place; it was not changed", "%s:%w", path, err)
	}
	return hint.Wrap(fmt.Errorf("%s: %w", path, err), hint.Of(err))
}

// backUp writes the file's content without mcpbox. An older backup with other content gets a
// numbered name.
func (c *Change) backUp(o Options) error {
	plain := c.Before
	old, err := os.ReadFile(c.Backup)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return hint.Errorf("make it readable for your account", "read the backup: %w", err)
	default:
		if plain, _, err = Unwrap(c.Before, old, Options{Binary: o.Binary,
			Format: o.Format}); err != nil {
			return inFile(c.Path, err)
		}
		if bytes.Equal(plain, old) {
			return nil
		}
		if err := keep(c.Backup); err != nil {
			return err
		}
	}
	return c.write(c.Backup, plain)
}

// keep moves a backup to the first free number.
func keep(backup string) error {
	for n := 1; ; n++ {
		to := backup + "." + strconv.Itoa(n)
		err := os.Link(backup, to)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("keep the old backup: %w", err)
		}
		return os.Remove(backup)
	}
}

// replace writes After to the file, unless the file has changed in the meantime.
func (c *Change) replace() error {
	now, err := os.ReadFile(c.Path)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, c.Before) {
		return hint.Errorf("quit the client and try again",
			"%s was changed by another program: it was left as it is", c.Path)
	}
	return c.write(c.Path, c.After)
}

// write replaces name by a file with data, with the owner and the mode of the configuration.
func (c *Change) write(name string, data []byte) (err error) {
	var was unix.Stat_t
	if err := unix.Stat(c.Path, &was); err != nil {
		return fmt.Errorf("stat %s: %w", c.Path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return hint.Errorf("make its folder writable for your account", "write %s: %w", name, err)
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", name, err)
		}
	}()
	if was.Uid != uint32(os.Geteuid()) || was.Gid != uint32(os.Getegid()) {
		if err := f.Chown(int(was.Uid), int(was.Gid)); err != nil {
			return err
		}
	}
	if err := f.Chmod(os.FileMode(was.Mode & 0o777)); err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
