package packages

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/datadir"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/packages/runner"
)

// Store is a folder of installed packages.
type Store struct{ dir string }

// DefaultDir is $XDG_DATA_HOME/mcpbox/packages.
func DefaultDir() (string, error) {
	path, err := datadir.Path("packages")
	if err != nil {
		return "", hint.Errorf("set XDG_DATA_HOME", "package store: %w", err)
	}
	return path, nil
}

// Open names the store. Its folder is made by the first install. One that others may write is
// refused.
func Open(dir string) (*Store, error) {
	var st unix.Stat_t
	switch err := unix.Stat(dir, &st); {
	case errors.Is(err, unix.ENOENT):
	case err != nil:
		return nil, fmt.Errorf("package store %s: %w", dir, err)
	case int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0:
		return nil, hint.Errorf("chmod go-w it, or set XDG_DATA_HOME to a folder of your own",
			"package store %s: another user may write it", dir)
	}
	return &Store{dir}, nil
}

// folder is where the versions of a package are.
func (s *Store) folder(e runner.Ecosystem, name string) string {
	return filepath.Join(s.dir, string(e), strings.ReplaceAll(name, "/", "+"))
}

// refs says which folder an asked version or range means.
type refs map[string]string

func (s *Store) refs(r *runner.Request) (refs, error) {
	out := refs{}
	data, err := os.ReadFile(filepath.Join(s.folder(r.Ecosystem, r.Name), "refs.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(data, &out)
}

// Find returns what is installed for a request; nil without an error: nothing.
func (s *Store) Find(r *runner.Request) (*Package, error) {
	known, err := s.refs(r)
	if err != nil {
		return nil, fmt.Errorf("package store: %w", err)
	}
	version, ok := known[r.Key()]
	if !ok {
		return nil, nil
	}
	p, err := readPackage(filepath.Join(s.folder(r.Ecosystem, r.Name), version))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return p, err
}

// List returns every installed package, by name and version.
func (s *Store) List() (out []*Package, err error) {
	found, err := filepath.Glob(filepath.Join(s.dir, "*", "*", "*", "mcpbox.json"))
	if err != nil {
		return nil, err
	}
	for _, file := range found {
		if strings.HasPrefix(file, filepath.Join(s.dir, "staging")+"/") {
			continue
		}
		p, err := readPackage(filepath.Dir(file))
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *Package) int { return strings.Compare(a.Folder, b.Folder) })
	return out, nil
}

// Named returns the installed versions of a package. spec is [npm:|pypi:]NAME[@VERSION].
func (s *Store) Named(spec string) (out []*Package, err error) {
	all, err := s.List()
	if err != nil {
		return nil, err
	}
	ecosystem, name, ok := strings.Cut(spec, ":")
	if !ok {
		ecosystem, name = "", spec
	}
	for _, p := range all {
		if (ecosystem == "" || ecosystem == string(p.Ecosystem)) &&
			(name == p.Name || name == p.String()) {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		return nil, hint.Errorf("mcpbox packages list shows what is", "%s is not installed", spec)
	}
	return out, nil
}

// lock takes the lock of a package, or waits for it. waiting is called once if it has to wait.
func (s *Store) lock(ctx context.Context, r *runner.Request, waiting func()) (func(), error) {
	dir := filepath.Join(s.dir, "locks")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, hint.Errorf("set XDG_DATA_HOME to a folder that you may write to",
			"package store: %w", err)
	}
	name := string(r.Ecosystem) + "+" + strings.ReplaceAll(r.Name, "/", "+")
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("package store: %w", err)
	}
	for first := true; ; first = false {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			f.Close()
			return nil, fmt.Errorf("package store: lock: %w", err)
		}
		if first {
			waiting()
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// writeFile replaces a file by one rename.
func writeFile(name string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(data, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
