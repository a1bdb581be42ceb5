package packages

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/packages/audit"
	"github.com/mcpbox/mcpbox/packages/provenance"
	"github.com/mcpbox/mcpbox/packages/pypi"
	"github.com/mcpbox/mcpbox/packages/registry"
	"github.com/mcpbox/mcpbox/packages/runner"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

const pipConf = "/home/user/pip.conf"

// fetchPyPI runs pip in a sandbox, and takes the tree from there.
func (o *Options) fetchPyPI(ctx context.Context, r *runner.Request, tree string) (f *fetched,
	err error) {
	config, err := pypi.ReadConfig(getenv(r))
	if err != nil {
		return nil, err
	}
	o.Progress("installing " + r.Spec() + " from " + config.Index)
	python, err := findPython(r.Python)
	if err != nil {
		return nil, err
	}
	policy, err := installPolicy(config.Hosts, python.mounts)
	if err != nil {
		return nil, err
	}
	access, err := registry.Protect(policy, config.Credentials, config.CA)
	if err != nil {
		return nil, fmt.Errorf("pip configuration: %w", err)
	}
	files := []mcpruntime.File{{Path: pipConf, Mode: 0o600}}
	asked := pypi.Request{Specs: append([]string{pypi.Spec(r)}, r.With...), Name: r.Name,
		Build: o.Scripts,
		Site:  path.Join(inside, pypi.Site(python.version)), Indexes: config.Indexes,
		Final: path.Join(Target, pypi.Site(python.version))}
	if config.InsideCA() {
		asked.CA = caFile
		files[0].Data = []byte("[global]\ncert = " + caFile + "\n")
		files = append(files, mcpruntime.File{Path: caFile, Data: config.CA})
	}
	box, err := mcpruntime.Start(ctx, mcpruntime.Spec{Policy: policy, BestEffort: o.BestEffort,
		Files: files, Secrets: access.Secrets, Roots: access.Roots})
	if err != nil {
		return nil, err
	}
	defer func() {
		if closed := box.Close(); err == nil {
			err = closed
		}
	}()
	report, err := pipInstall(ctx, box, python.program, asked)
	if err != nil {
		return nil, err
	}
	f = &fetched{registry: config.Index, python: python.program}
	if err := f.take(report, r); err != nil {
		return nil, err
	}
	if err := takeOut(ctx, box, tree); err != nil {
		return nil, err
	}
	return f, environment(tree, python)
}

func pipInstall(ctx context.Context, box *mcpruntime.Sandbox, python string,
	asked pypi.Request) (*pypi.Report, error) {
	words, err := json.Marshal(asked)
	if err != nil {
		return nil, err
	}
	out, said := head{left: 8 << 20}, head{left: 16 << 10}
	p, err := box.Start(ctx, mcpruntime.Command{
		Args:   []string{python, "-I", "-c", pypi.Script, string(words)},
		Env:    []string{"PIP_CONFIG_FILE=" + pipConf},
		Stdout: &out, Stderr: &said, Dir: "/tmp"})
	if err != nil {
		return nil, err
	}
	res, err := p.Wait()
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	refused := refusedConnection(res, "pip config get global.index-url")
	if !res.Success {
		if refused != nil {
			return nil, refused
		}
		return nil, fmt.Errorf("pip failed: %s", lastLine(said.String(), res.Error))
	}
	report, err := pypi.ReadReport(out.Bytes())
	switch {
	case err != nil:
		return nil, err
	case !report.Failed:
		return report, nil
	case refused != nil:
		return nil, refused
	}
	return nil, pipError(report, asked)
}

// pipError turns pip's words into one sentence.
func pipError(r *pypi.Report, asked pypi.Request) error {
	said := strings.ToLower(r.Said)
	has := func(text string) bool { return strings.Contains(said, text) }
	switch {
	case has("do not match the hashes"):
		return hint.Errorf("do not use it: the index, or somebody on the way, has replaced it",
			"an archive is not what the index's hash says")
	case r.Refused, has("401 client error"), has("403 client error"), has("user for "):
		return hint.Errorf("write the password into the address of the index, in pip's "+
			"configuration, or into ~/.netrc", "the index refuses it (authentication)")
	case has("no matching distribution") && r.Source && !asked.Build:
		return hint.Errorf("mcpbox trust pypi:"+asked.Name+" --reason … lets it be built, in the "+
			"install's sandbox", "%s, or a package that it needs, has no wheel that fits this "+
			"host; to build its source archive would run its code", asked.Name)
	case has("(from versions: none)"):
		return hint.Errorf("check the name", "the index has no package %s that fits this host",
			asked.Name)
	case has("no matching distribution"):
		return hint.Errorf("pip index versions "+asked.Name, "the index has nothing that fits %s",
			asked.Specs[0])
	case has("no such option: --report"):
		return hint.Errorf("python3 -m pip install --upgrade pip", "pip is older than 22.2")
	}
	return fmt.Errorf("pip failed: %s", lastLine(r.Said, ""))
}

// lastLine is the last line that says something of an error.
func lastLine(said, otherwise string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	for _, line := range slices.Backward(lines) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "ERROR: "); ok {
			return safetext.Clean(rest, 300)
		}
	}
	if last := lines[len(lines)-1]; last != "" {
		return safetext.Clean(last, 300)
	}
	return otherwise
}

// take reads what was installed, and refuses what the index does not vouch for.
func (f *fetched) take(report *pypi.Report, r *runner.Request) error {
	all, main := sha256.New(), &pypi.Installed{}
	slices.SortFunc(report.Packages, func(a, b pypi.Installed) int {
		return strings.Compare(runner.Normal(a.Name), runner.Normal(b.Name))
	})
	for i := range report.Packages {
		p := &report.Packages[i]
		if err := p.Check(); err != nil {
			return err
		}
		if !safeVersion(p.Version) {
			return fmt.Errorf("%s has the version %q", p.Name, safetext.Clean(p.Version, 60))
		}
		m := Member{Name: runner.Normal(p.Name), Version: p.Version,
			Integrity: "sha256-" + p.SHA256, Published: parseTime(p.Published),
			Withdrawn: p.Withdrawn(), Provenance: p.Attested()}
		for _, who := range []string{p.Author, p.Maintainer} {
			if who != "" {
				m.Maintainers = append(m.Maintainers, who)
			}
		}
		if len(p.Elsewhere) > 0 {
			f.findings = append(f.findings, audit.Finding{ID: "index", Severity: audit.High,
				What: "another index has other files by this name: pip takes the highest " +
					"version, whoever published it",
				Evidence: safetext.Clean(m.Name+": "+strings.Join(p.Elsewhere, " "), 200)})
		}
		fmt.Fprintf(all, "%s %s %s\n", m.Name, m.Version, m.Integrity)
		f.members = append(f.members, m)
		if m.Name == r.Name {
			f.main, main = m, p
		}
	}
	if f.main.Name == "" {
		return errors.New("pip installed something else")
	}
	f.lock, f.versions = hex.EncodeToString(all.Sum(nil)), report.Versions
	if !main.Attested() {
		return nil
	}
	return f.attested(main.File, "sha256", main.SHA256,
		func(t *provenance.Trust) (*provenance.Built, error) {
			return t.VerifyPyPI(main.Provenance)
		})
}

// environment makes a virtual environment of the tree.
func environment(tree string, python *interpreter) error {
	bin := filepath.Join(tree, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"python3", "python"} {
		if err := os.Symlink(python.program, filepath.Join(bin, name)); err != nil {
			return err
		}
	}
	text := fmt.Sprintf("home = %s\ninclude-system-site-packages = false\nversion = %s\n",
		filepath.Dir(python.program), python.version)
	file := filepath.Join(tree, "pyvenv.cfg")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Chmod(file, 0o644) // whatever the umask is
}
