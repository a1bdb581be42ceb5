package packages

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// limits of a tree.
const (
	maxBytes = 1 << 30
	maxFiles = 200_000
)

// extract writes a tar stream below dir, which is new and empty. What it does not take is an error:
// names that lead outside, links that do, hard links, devices.
func extract(stream io.Reader, dir string) error {
	root, err := os.OpenRoot(dir) // no name leads out of it, whatever links there are
	if err != nil {
		return err
	}
	defer root.Close()
	left, files, links := int64(maxBytes), 0, map[string]bool{}
	for r := tar.NewReader(stream); ; files++ {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the installed files: %w", err)
		}
		if files > maxFiles || h.Size > left {
			return fmt.Errorf("the package has more than %d files or %d MiB", maxFiles,
				maxBytes>>20)
		}
		left -= h.Size
		if err := entry(root, r, h, links); err != nil {
			return fmt.Errorf("the installed file %.200q: %w", h.Name, err)
		}
	}
}

var errEntry = errors.New("not a regular file, folder, or link inside")

func entry(root *os.Root, r io.Reader, h *tar.Header, links map[string]bool) error {
	name := path.Clean(h.Name)
	switch {
	case name == ".":
		return nil
	case path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../"):
		return errEntry
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if links[dir] {
			return errors.New("it is below a link")
		}
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(name, 0o755)
	case tar.TypeSymlink:
		if !staysInside(path.Dir(name), h.Linkname) {
			return errEntry
		}
		links[name] = true
		return root.Symlink(h.Linkname, name)
	case tar.TypeReg:
		mode := os.FileMode(0o644)
		if h.Mode&0o100 != 0 {
			mode = 0o755
		}
		f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, r)
		// whatever the umask is: the sandbox has another user
		return errors.Join(err, f.Chmod(mode), f.Close())
	}
	return errEntry
}

// staysInside reports a link in a folder that leads to no place outside, whatever other links there
// are: only its first parts are "..", which leave real folders.
func staysInside(folder, link string) bool {
	if path.IsAbs(link) {
		return false
	}
	up := true
	for _, part := range strings.Split(link, "/") {
		switch {
		case part != "..":
			up = up && (part == "" || part == ".")
		case !up || folder == ".":
			return false
		default:
			folder = path.Dir(folder)
		}
	}
	return true
}
