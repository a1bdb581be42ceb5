package packages

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/cleanup"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/plural"
	"github.com/mcpbox/mcpbox/internal/semver"
	"github.com/mcpbox/mcpbox/packages/audit"
	"github.com/mcpbox/mcpbox/packages/npm"
	"github.com/mcpbox/mcpbox/packages/pypi"
	"github.com/mcpbox/mcpbox/packages/runner"
)

// Options of an install.
type Options struct {
	Progress   func(string)  // one line at a time; nil: none
	Timeout    time.Duration // default 5 minutes
	BestEffort bool          // as runtime.Spec's
	Update     bool          // also if something is installed that fits
	// Scripts lets install scripts run, and source archives be built, in the install's sandbox.
	Scripts bool
	// Decide says what somebody decided about a version; "": nothing. An empty version is one that
	// is not known yet. nil: nothing was decided.
	Decide func(name, version string) (verdict audit.Verdict, why string)
	// Try starts the package before it is visible, and adds to its findings and tools. nil: it is
	// not started.
	Try func(context.Context, *Package)

	keep      bool // requests mean what they meant before
	ecosystem runner.Ecosystem
	known     func(runner.Ecosystem, Member, bool) ([]audit.Finding, error)
}

const defaultTimeout = 5 * time.Minute

// Install returns what fits a request, after installing it if need be. If others install the same
// package, it waits for them.
func (s *Store) Install(ctx context.Context, r *runner.Request, o Options) (*Package, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if o.Decide == nil {
		o.Decide = func(string, string) (audit.Verdict, string) { return "", "" }
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Timeout, hint.Errorf(
		"check the network and the registry", "the registry took longer than %s", o.Timeout))
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
	began := time.Now()
	tree := filepath.Join(staging, "tree")
	if err := os.Mkdir(tree, 0o755); err != nil {
		return nil, err
	}
	o.ecosystem, o.known = r.Ecosystem, s.knownOf
	// Before anything is asked. Without a version it is about every version.
	if err := o.stop(&fetched{main: Member{Name: r.Name, Version: exact(r)}}); err != nil {
		return nil, err
	}
	fetch := o.fetchNPM
	if r.Ecosystem == runner.PyPI {
		fetch = o.fetchPyPI
	}
	f, err := fetch(ctx, r, tree)
	if err != nil {
		return nil, err
	}
	if err := o.stop(f); err != nil {
		return nil, err
	}
	p, err := s.describe(r, f, tree)
	if err != nil {
		return nil, err
	}
	if p.Folder = staging; o.Try != nil {
		o.Progress("looking at " + p.String())
		o.Try(ctx, p)
	}
	p.ScriptsRan = o.Scripts && (len(p.Scripts) > 0 || r.Ecosystem == runner.PyPI)
	if err := writeFile(filepath.Join(staging, "lock.json"), f.members); err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(staging, "mcpbox.json"), p); err != nil {
		return nil, err
	}
	if err := s.commit(r, staging, p, o.keep); err != nil {
		return nil, err
	}
	o.Progress(fmt.Sprintf("installed %s: %s, %.1f MiB, in %.1f s", p,
		plural.Of(p.Packages, "package"), float64(p.Bytes)/(1<<20), time.Since(began).Seconds()))
	return p, nil
}

// exact is the version that a request names, "" if it names none.
func exact(r *runner.Request) string {
	version := strings.TrimPrefix(r.Range, "==")
	if r.Ecosystem == runner.NPM {
		if _, err := semver.Parse(version); err != nil {
			return ""
		}
	} else if strings.ContainsAny(version, "=<>!~,*") {
		return ""
	}
	return version
}

// stop ends an install of what is known to do harm, or of what somebody denied.
func (o *Options) stop(f *fetched) error {
	verdict, why := o.Decide(f.main.Name, f.main.Version)
	spec := strings.TrimSuffix(f.main.Name+"@"+f.main.Version, "@")
	if verdict == audit.Denied {
		return hint.Errorf("mcpbox trust "+spec+" --reason …", "%s is denied: %s", spec, why)
	}
	if len(f.members) == 0 {
		f = &fetched{main: f.main, members: []Member{f.main}}
	}
	o.Scripts = verdict == audit.Trusted
	found := f.findings
	for _, m := range f.members {
		if verdict, why := o.Decide(m.Name, m.Version); verdict == audit.Denied {
			return hint.Errorf("mcpbox trust "+m.Name+"@"+m.Version+" --reason …",
				"%s is denied: it needs %s@%s: %s", spec, m.Name, m.Version, why)
		}
		if o.Scripts {
			continue
		}
		known, err := o.known(o.ecosystem, m, m.Name == f.main.Name)
		if err != nil {
			return err
		}
		found = append(found, known...)
	}
	if worst := audit.Worst(found, audit.Critical); worst != nil && !o.Scripts {
		return hint.Errorf("do not use it; if you know better: mcpbox trust "+spec+" --reason …",
			"%s is denied: %s (%s)", spec, worst.What, worst.Evidence)
	}
	return nil
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
func (s *Store) describe(r *runner.Request, f *fetched, tree string) (*Package, error) {
	m := f.main
	p := &Package{Ecosystem: r.Ecosystem, Name: r.Name, Version: m.Version, Integrity: m.Integrity,
		Lock: f.lock, Packages: len(f.members), Registry: f.registry, Python: f.python,
		Installed: time.Now().UTC().Truncate(time.Second), Published: m.Published,
		Maintainers: m.Maintainers, Provenance: f.built, versions: f.versions}
	var err error
	if p.Tree, p.Bytes, err = Hash(tree); err != nil {
		return nil, err
	}
	var found []audit.Finding
	declared := ""
	if r.Ecosystem == runner.PyPI {
		version := strings.TrimPrefix(filepath.Base(f.python), "python")
		site := filepath.Join(tree, filepath.FromSlash(pypi.Site(version)))
		found, err = audit.Python(tree, r.Name, pypi.Dist(site, r.Name), site)
	} else {
		var parts []audit.Part
		for _, m := range f.members {
			parts = append(parts, audit.Part{Folder: m.folder, Name: m.Name, Version: m.Version,
				Scripts: m.Scripts})
		}
		found, p.Scripts, err = audit.Tree(tree, r.Name, parts)
		m, err := npm.ReadManifest(filepath.Join(tree, "node_modules", filepath.FromSlash(r.Name)))
		if err == nil {
			declared = string(m.Repository)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	p.Findings = append(append(f.findings, f.said()...), found...)
	before, err := s.newest(r)
	if err != nil {
		return nil, err
	}
	p.Findings = append(p.Findings, origin(before, p, declared)...)
	if before != nil {
		p.Findings = append(p.Findings, audit.Maintainers(before.Maintainers, p.Maintainers)...)
	}
	return p, nil
}

// said are findings from what the registry says of the package, but for its age and signatures.
func (f *fetched) said() (found []audit.Finding) {
	m := f.main
	if m.Withdrawn != "" {
		found = append(found, audit.Finding{ID: "withdrawn", Severity: audit.High,
			What: "the registry has withdrawn the version", Evidence: m.Withdrawn})
	}
	if m.Deprecated != "" {
		found = append(found, audit.Finding{ID: "deprecated", Severity: audit.Medium,
			What: "its authors say not to use it any more", Evidence: m.Deprecated})
	}
	if slices.ContainsFunc(f.findings, func(f audit.Finding) bool { return f.ID == "provenance" }) {
		return found
	}
	what := "it has no provenance attestation"
	if m.Provenance {
		what = "the registry says that it has a provenance attestation, and does not give it"
	}
	return append(found, audit.Finding{ID: "provenance", Severity: audit.Info, What: what})
}

// newest is the version of a package that was installed last; nil: none.
func (s *Store) newest(r *runner.Request) (newest *Package, err error) {
	all, err := s.List()
	for _, p := range all {
		if p.Ecosystem == r.Ecosystem && p.Name == r.Name &&
			(newest == nil || p.Installed.After(newest.Installed)) {
			newest = p
		}
	}
	return newest, err
}

// commit makes the package visible.
func (s *Store) commit(r *runner.Request, staging string, p *Package, keep bool) error {
	folder := s.folder(r.Ecosystem, r.Name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	version := p.Version + "-" + p.Lock[:16]
	p.Folder = filepath.Join(folder, version)
	if have, err := readPackage(p.Folder); err != nil || have.Tree != p.Tree {
		if err := replace(p.Folder, staging); err != nil {
			return err
		}
	} // else it is the same one
	if keep {
		return nil
	}
	known, err := s.refs(r)
	if err != nil {
		return err
	}
	known[r.Key()], known[r.KeyOf(p.Version)] = version, version
	return writeFile(filepath.Join(folder, "refs.json"), known)
}

// replace puts a folder where another one may be: a package that was installed before with other
// files (its install scripts have run since, or it was changed). A server that runs keeps its own.
func replace(folder, staging string) error {
	old := folder + ".old"
	if err := os.RemoveAll(old); err != nil {
		return err
	}
	if err := os.Rename(folder, old); err != nil && !os.IsNotExist(err) {
		return err
	}
	if err := os.Rename(staging, folder); err != nil {
		return cmp.Or(os.Rename(old, folder), err)
	}
	return os.RemoveAll(old)
}
