package packages

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/packages/audit"
	"github.com/mcpbox/mcpbox/packages/npm"
	"github.com/mcpbox/mcpbox/packages/registry"
	"github.com/mcpbox/mcpbox/packages/runner"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

const npmrc = "/home/user/.npmrc"

// npmBox is the sandbox in which npm runs.
type npmBox struct {
	box    *mcpruntime.Sandbox
	node   string
	cli    string // npm's program
	config *npm.Config
	run    *runner.Request
}

// fetchNPM resolves what a request means, looks at what registries say of it, downloads it into a
// sandbox's own storage, and takes the tree from there.
func (o *Options) fetchNPM(ctx context.Context, r *runner.Request, tree string) (f *fetched,
	err error) {
	b, err := openNPM(ctx, r, o)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closed := b.box.Close(); err == nil {
			err = closed
		}
	}()
	view := make(chan viewed, 1)
	go func() { view <- b.view(ctx) }()
	err = b.npm(ctx, "install", "--package-lock-only", "--save-exact", "--", r.Spec())
	if err != nil {
		_ = b.box.Close() // ends the other one
		<-view
		return nil, err
	}
	said := <-view
	// What is known to be bad is not downloaded.
	if f, err = b.describe(ctx, said, o); err != nil {
		return nil, err
	}
	words := []string{"install"}
	if o.Scripts {
		words = append(words, "--ignore-scripts=false", "--foreground-scripts")
	}
	if err := b.npm(ctx, words...); err != nil {
		return nil, err
	}
	before := f.lock
	if err := takeOut(ctx, b.box, tree); err != nil {
		return nil, err
	}
	taken, err := npm.ReadLock(tree)
	if err != nil || taken.Hash == before {
		return f, err
	}
	return b.describe(ctx, said, o) // npm has completed the lock: optional packages
}

func openNPM(ctx context.Context, r *runner.Request, o *Options) (*npmBox, error) {
	config, err := npm.ReadConfig(getenv(r))
	if err != nil {
		return nil, err
	}
	o.Progress("installing " + r.Spec() + " from " + config.RegistryOf(r.Name))
	cli, mounts, err := hostProgram("npm")
	if err != nil {
		return nil, err
	}
	node, more, err := hostProgram("node")
	if err != nil {
		return nil, err
	}
	policy, err := installPolicy(config.Hosts, append(mounts, more...))
	if err != nil {
		return nil, err
	}
	access, err := registry.Protect(policy, config.Credentials, config.CA)
	if err != nil {
		return nil, fmt.Errorf("npm configuration: %w", err)
	}
	box, err := mcpruntime.Start(ctx, mcpruntime.Spec{Policy: policy, BestEffort: o.BestEffort,
		Files: configFiles(config), Secrets: access.Secrets, Roots: access.Roots})
	return &npmBox{box, node, cli, config, r}, err
}

func configFiles(config *npm.Config) []mcpruntime.File {
	rc := config.File + `ignore-scripts=true
audit=false
fund=false
update-notifier=false
progress=false
loglevel=error
save-exact=true
fetch-retries=1
fetch-retry-mintimeout=1000
fetch-timeout=60000
prefix=` + inside + `
cache=/tmp/cache
`
	files := []mcpruntime.File{}
	if config.InsideCA() {
		rc += "cafile=" + caFile + "\n"
		files = append(files, mcpruntime.File{Path: caFile, Data: config.CA})
	}
	return append(files, mcpruntime.File{Path: npmrc, Data: []byte(rc), Mode: 0o600},
		mcpruntime.File{Path: inside + "/package.json", Data: []byte("{}\n")})
}

// viewed is what a registry says of the package that was asked for.
type viewed struct {
	Time        map[string]string `json:"time"`
	Maintainers any               `json:"maintainers"`
	Versions    []string          `json:"versions"`
}

// versions has no reasons: a version is there or not.
func (v *viewed) versions() map[string]string {
	out := map[string]string{}
	for _, one := range v.Versions {
		out[one] = ""
	}
	return out
}

// names are the maintainers' accounts. A registry writes them as objects or as texts.
func (v *viewed) names() (out []string) {
	all, _ := v.Maintainers.([]any)
	for _, m := range all {
		name, _ := m.(string)
		if object, ok := m.(map[string]any); ok {
			name, _ = object["name"].(string)
		}
		if name, _, _ = strings.Cut(name, " <"); name != "" {
			out = append(out, safetext.Clean(name, 80))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// view asks the registry when each version was published, and who published it. A registry need not
// answer that.
func (b *npmBox) view(ctx context.Context) (v viewed) {
	said, err := b.look(ctx, "view", b.config.RegistryOf(b.run.Name), b.run.Name)
	if err == nil {
		_ = json.Unmarshal(said, &v)
	}
	return v
}

// look runs the script that asks registries.
func (b *npmBox) look(ctx context.Context, what string, words ...string) ([]byte, error) {
	ca := ""
	if b.config.InsideCA() {
		ca = caFile
	}
	said := head{left: 64 << 20}
	p, err := b.box.Start(ctx, mcpruntime.Command{Stdout: &said, Dir: "/tmp",
		Args: append([]string{b.node, "-e", npm.LookScript, "-", what, npmrc, ca}, words...)})
	if err != nil {
		return nil, err
	}
	_, err = p.Wait()
	return said.Bytes(), err
}

// describe reads the lock file, and looks at what registries say of its packages. What is known to
// be bad is an error.
func (b *npmBox) describe(ctx context.Context, view viewed, o *Options) (*fetched, error) {
	text := head{left: 64 << 20}
	p, err := b.box.Start(ctx, mcpruntime.Command{Stdout: &text,
		Args: []string{"cat", inside + "/package-lock.json"}})
	if err != nil {
		return nil, err
	}
	if _, err := p.Wait(); err != nil {
		return nil, err
	}
	lock, err := npm.ParseLock(text.Bytes())
	if err != nil {
		return nil, err
	}
	said, err := b.look(ctx, "lock", append(slices.Sorted(maps.Keys(b.config.Registries())), "--",
		inside, "/tmp/cache", b.config.RegistryOf(b.run.Name), b.run.Name)...)
	look := &npm.Look{}
	if err == nil {
		err = json.Unmarshal(said, look)
	}
	if err != nil {
		return nil, fmt.Errorf("what the registry said of the packages can't be read")
	}
	f, err := describeNPM(b.run, b.config, lock, look, view)
	if err == nil && b.run.Index == "" {
		err = b.ofProject(f)
	}
	if err != nil {
		return nil, err
	}
	return f, o.stop(f)
}

// ofProject refuses packages that npx would take from another registry in this folder.
func (b *npmBox) ofProject(f *fetched) error {
	folder, err := os.Getwd()
	if err != nil {
		return nil // npx would not know either
	}
	var names []string
	for _, m := range f.members {
		names = append(names, m.Name)
	}
	return b.config.Project(folder, names)
}

// npm runs npm in the sandbox.
func (b *npmBox) npm(ctx context.Context, words ...string) error {
	said := head{left: 64 << 10}
	p, err := b.box.Start(ctx, mcpruntime.Command{Args: append([]string{b.node, b.cli}, words...),
		Dir: inside, Stdout: &said, Stderr: &said})
	if err != nil {
		return err
	}
	res, err := p.Wait()
	switch {
	case err != nil:
		return err
	case res.Success:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return npmError(b.run, said.String(), res)
}

// npmError turns npm's words into one sentence.
func npmError(r *runner.Request, said string, res *mcpruntime.Result) error {
	if err := refusedConnection(res, "npm config get registry"); err != nil {
		return err
	}
	code := ""
	if m := regexp.MustCompile(`(?m)^npm error code (\w+)`).FindStringSubmatch(said); m != nil {
		code = m[1]
	}
	switch code {
	case "E404":
		return hint.Errorf("check the name", "the registry has no package %s", r.Name)
	case "ETARGET", "ENOVERSIONS":
		return hint.Errorf("npm view "+r.Name+" versions", "%s has no version %s", r.Name, r.Range)
	case "EINTEGRITY":
		return hint.Errorf("do not use it: the registry, or somebody on the way, has replaced it",
			"an archive is not what the registry's integrity says")
	case "E401", "E403", "ENEEDAUTH":
		return hint.Errorf("npm login", "the registry refuses it (%s)", code)
	}
	detail := res.Error
	for line := range strings.Lines(said) {
		if rest, ok := strings.CutPrefix(line, "npm error "); ok &&
			!strings.HasPrefix(rest, "code ") && !strings.HasPrefix(rest, "errno ") {
			detail = strings.TrimSpace(rest)
			break
		}
	}
	return fmt.Errorf("npm failed: %s %s", code, safetext.Clean(detail, 300))
}

// describeNPM puts together what is known before the download.
func describeNPM(r *runner.Request, config *npm.Config, lock *npm.Lock, look *npm.Look,
	view viewed) (*fetched, error) {
	f := &fetched{lock: lock.Hash, registry: config.RegistryOf(r.Name), versions: view.versions()}
	keys, err := knownKeys()
	if err != nil {
		return nil, err
	}
	signed := signatures{config: config, keys: keys, look: look}
	for _, folder := range slices.Sorted(maps.Keys(lock.Packages)) {
		l := lock.Packages[folder]
		if l.Integrity == "" && !l.Bundled {
			return nil, fmt.Errorf("the registry gives no integrity for %s", lock.NameAt(folder))
		}
		m := Member{Name: lock.NameAt(folder), Version: l.Version, Integrity: l.Integrity,
			Scripts: l.Scripts, folder: folder}
		if said := signed.of(m.Name, m.Version); said != nil {
			m.Provenance = said.Attested
			m.Deprecated = safetext.Clean(said.Deprecated, 200)
		}
		if folder == "node_modules/"+r.Name && !l.Link {
			m.Published, m.Maintainers = parseTime(view.Time[l.Version]), view.names()
			f.main = m
		}
		if !l.Bundled {
			signed.check(m)
		}
		f.members = append(f.members, m)
	}
	if f.main.Name == "" {
		return nil, fmt.Errorf("npm installed something else")
	}
	if !safeVersion(f.main.Version) {
		return nil, fmt.Errorf("the version %q is none", safetext.Clean(f.main.Version, 60))
	}
	f.findings = signed.findings()
	return f, f.npmAttested(look.Attestations)
}

// signatures checks what registries have signed.
type signatures struct {
	config *npm.Config
	keys   npm.Keys
	look   *npm.Look

	good, missing int
	bad           []audit.Finding
	unsigned      string // one of the missing
	signs         bool   // a registry in use signs, or publishes keys
	known         bool   // its keys are known beforehand
}

func (s *signatures) of(name, version string) *npm.Said {
	for i := range s.look.Packages {
		if p := &s.look.Packages[i]; p.Name == name && p.Version == version {
			return p
		}
	}
	return nil
}

// keysOf are the keys of a registry: those known beforehand, else the ones that it publishes.
func (s *signatures) keysOf(registry string) []npm.Key {
	if known, ok := s.keys[registry]; ok {
		return known.Keys
	}
	return s.look.Keys[registry]
}

func (s *signatures) check(m Member) {
	registry := s.config.RegistryOf(m.Name)
	s.signs = s.signs || len(s.look.Keys[registry]) > 0
	s.known = s.known || len(s.keys[registry].Keys) > 0
	said := s.of(m.Name, m.Version)
	if said == nil {
		s.bad = append(s.bad, audit.Finding{ID: "integrity", Severity: audit.High,
			What:     "the registry does not say which archive it is",
			Evidence: m.Name + "@" + m.Version})
	} else if !said.Vouches(m.Integrity) {
		s.bad = append(s.bad, audit.Finding{ID: "integrity", Severity: audit.Critical,
			What:     "it is another archive than the registry has by this name",
			Evidence: m.Name + "@" + m.Version})
	}
	if said == nil || len(said.Signatures) == 0 {
		s.missing++
		s.unsigned = m.Name + "@" + m.Version
		return
	}
	s.signs = true
	switch known, holds := said.Verify(m.Integrity, s.keysOf(registry)); {
	case holds:
		s.good++
	case known:
		s.bad = append(s.bad, audit.Finding{ID: "signature", Severity: audit.Critical,
			What: "the registry's signature does not hold", Evidence: m.Name + "@" + m.Version})
	default:
		s.bad = append(s.bad, audit.Finding{ID: "signature", Severity: audit.High,
			What: "it is signed with a key that is not known to be the registry's",
			Evidence: m.Name + "@" + m.Version + " " +
				safetext.Clean(said.Signatures[0].KeyID, 80)})
	}
}

// findings of all packages. A registry that signs nothing at all and publishes no keys is most
// likely a mirror: that is reported, and nothing more can be said.
func (s *signatures) findings() []audit.Finding {
	out := s.bad
	switch {
	case s.missing > 0 && s.signs:
		out = append(out, audit.Finding{ID: "signature", Severity: audit.High,
			What: fmt.Sprintf("the registry signs, and %d of %d packages have no signature",
				s.missing, s.missing+s.good+len(s.bad)), Evidence: s.unsigned})
	case s.missing > 0 && s.known:
		out = append(out, audit.Finding{ID: "signature", Severity: audit.Medium,
			What: "the registry is known to sign, and signs nothing here: a mirror removes " +
				"signatures, or somebody does"})
	case s.missing > 0:
		out = append(out, audit.Finding{ID: "signature", Severity: audit.Info,
			What: "the registry signs nothing: signatures were not checked"})
	}
	return out
}

// Member is one package of a tree.
type Member struct {
	Name        string    `json:"name"`
	Version     string    `json:"version"`
	Integrity   string    `json:"integrity,omitempty"` // none: part of another one's archive
	Scripts     bool      `json:"scripts,omitempty"`   // it has an install script
	Published   time.Time `json:"published,omitzero"`
	Maintainers []string  `json:"maintainers,omitempty"`
	Withdrawn   string    `json:"withdrawn,omitempty"`  // why
	Deprecated  string    `json:"deprecated,omitempty"` // why
	Provenance  bool      `json:"provenance,omitempty"` // the registry has an attestation

	folder string // in the tree, for npm
}

// safeVersion reports a version that can name a folder.
func safeVersion(v string) bool {
	return regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+!_-]{0,127}$`).MatchString(v)
}
