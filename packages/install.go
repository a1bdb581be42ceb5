package packages

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/cleanup"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/packages/audit"
	"github.com/mcpbox/mcpbox/packages/npm"
	"github.com/mcpbox/mcpbox/packages/runner"
)

// Options of an install.
type Options struct {
	Progress   func(string)  // one line at a time; nil: none
	Timeout    time.Duration // default 5 minutes
	BestEffort bool          // as runtime.Spec's
	Update     bool          // also if something is installed that fits
}

const defaultTimeout = 5 * time.Minute

// Install returns what fits a request, after installing it if need be. If others install the same
// package, it waits for them.
func (s *Store) Install(ctx context.Context, r *runner.Request, o Options) (*Package, error) {
	if r.Ecosystem != runner.NPM {
		return nil, hint.Errorf("install it in a folder and mount it (--workspace or --mount)",
			"%s: only packages of npm can be installed", r.Name)
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Timeout, hint.Errorf(
		"check the network and npm's registry", "the registry took longer than %s", o.Timeout))
	defer cancel()
	unlock, err := s.lock(ctx, r, func() { o.Progress("waiting for another install of " + r.Name) })
	if err != nil {
		return nil, err
	}
	defer unlock()
	if p, err := s.Find(r); err != nil || p != nil && !o.Update {
		return p, err
	}
	p, err := s.install(ctx, r, o)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, fmt.Errorf("install %s: %w", r.Spec(), err)
	}
	return p, nil
}

func (s *Store) install(ctx context.Context, r *runner.Request, o Options) (*Package, error) {
	undo := cleanup.New()
	defer undo.Run()
	staging, err := s.stage(undo)
	if err != nil {
		return nil, err
	}
	config, err := npm.ReadConfig(os.Getenv)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	o.Progress("installing " + r.Spec() + " from " + config.Registry)
	tree := filepath.Join(staging, "tree")
	if err := os.Mkdir(tree, 0o755); err != nil {
		return nil, err
	}
	times, err := fetch(ctx, r, config, tree, o.BestEffort)
	if err != nil {
		return nil, err
	}
	p, err := describe(r, config, tree)
	if err != nil {
		return nil, err
	}
	p.Published = times[p.Version]
	if p.Findings, err = audit.Tree(tree, r.Name); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	if err := writeFile(filepath.Join(staging, "mcpbox.json"), p); err != nil {
		return nil, err
	}
	if err := s.commit(r, staging, p); err != nil {
		return nil, err
	}
	o.Progress(fmt.Sprintf("installed %s: %d packages, %.1f MiB, in %.1f s", p, p.Packages,
		float64(p.Bytes)/(1<<20), time.Since(began).Seconds()))
	return p, nil
}

// stage makes a folder for an install. Its lock says that the install is under way.
func (s *Store) stage(undo *cleanup.Stack) (string, error) {
	dir := filepath.Join(s.dir, "staging")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	staging, err := os.MkdirTemp(dir, "")
	if err != nil {
		return "", err
	}
	f, err := os.Open(staging)
	if err != nil {
		return "", err
	}
	undo.Push(func() {
		_ = os.RemoveAll(staging) // else GC does
		f.Close()
	})
	return staging, unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
}

// describe reads what was installed.
func describe(r *runner.Request, config *npm.Config, tree string) (*Package, error) {
	lock, err := npm.ReadLock(tree)
	if err != nil {
		return nil, err
	}
	for folder, l := range lock.Packages {
		if l.Integrity == "" && !l.Bundled {
			return nil, fmt.Errorf("the registry gives no integrity for %s", npm.Name(folder))
		}
	}
	main, ok := lock.Packages["node_modules/"+r.Name]
	if !ok || main.Link {
		return nil, errors.New("npm installed something else")
	}
	p := &Package{Ecosystem: r.Ecosystem, Name: r.Name, Version: main.Version,
		Integrity: main.Integrity, Lock: lock.Hash, Packages: len(lock.Packages),
		Registry: config.Registry, Installed: time.Now().UTC().Truncate(time.Second)}
	p.Scripts = lock.WithScripts()
	p.Tree, p.Bytes, err = Hash(tree)
	return p, err
}

// commit makes the package visible.
func (s *Store) commit(r *runner.Request, staging string, p *Package) error {
	folder := s.folder(r.Ecosystem, r.Name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	version := p.Version + "-" + p.Lock[:16]
	p.Folder = filepath.Join(folder, version)
	if _, err := readPackage(p.Folder); err != nil { // else it is the same one
		if err := os.RemoveAll(p.Folder); err != nil {
			return err
		}
		if err := os.Rename(staging, p.Folder); err != nil {
			return err
		}
	}
	known, err := s.refs(r)
	if err != nil {
		return err
	}
	known[r.Range], known[p.Version] = version, version
	return writeFile(filepath.Join(folder, "refs.json"), known)
}
