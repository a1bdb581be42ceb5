package packages

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/packages/audit"
	"github.com/mcpbox/mcpbox/packages/npm"
	"github.com/mcpbox/mcpbox/packages/provenance"
)

// ownFile reads a file that replaces keys which mcpbox has: one in ~/.config/mcpbox. nil: none.
func ownFile(name string) (data []byte, path string, err error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil, "", nil
	}
	path = filepath.Join(dir, "mcpbox", name)
	data, err = os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, path, nil
	}
	return data, path, err
}

// knownKeys are npm's own, and those of the operator's file, which replace them for a registry.
func knownKeys() (npm.Keys, error) {
	keys := npm.BundledKeys()
	data, file, err := ownFile("npm-keys.json")
	if data == nil && err == nil {
		return keys, nil
	}
	var own npm.Keys
	if err == nil {
		own, err = npm.ParseKeys(data)
	}
	if err != nil {
		return nil, hint.Errorf(`write {"REGISTRY": {"keys": […]}}, as REGISTRY/-/npm/v1/keys has `+
			`them, or remove it`, "%s: %w", file, err)
	}
	maps.Copy(keys, own)
	return keys, nil
}

// trusted is whose attestations are believed: sigstore's own, or the operator's file.
func trusted() (*provenance.Trust, error) {
	data, file, err := ownFile("trusted_root.json")
	if data == nil && err == nil {
		return provenance.Bundled()
	}
	var t *provenance.Trust
	if err == nil {
		t, err = provenance.ParseTrust(data)
	}
	if err != nil {
		return nil, hint.Errorf("write a trusted root of sigstore's, or remove it", "%s: %w", file,
			err)
	}
	return t, nil
}

// attested verifies the attestation of the package that was asked for: a bundle of npm, or the
// answer of a simple index.
func (f *fetched) attested(name, algorithm, digest string,
	verify func(*provenance.Trust) (*provenance.Built, error)) error {
	trust, err := trusted()
	if err != nil {
		return err
	}
	built, err := verify(trust)
	if err == nil {
		err = built.Covers(name, algorithm, digest)
	}
	add := func(s audit.Severity, what, evidence string) {
		f.findings = append(f.findings, audit.Finding{ID: "provenance", Severity: s, What: what,
			Evidence: safetext.Clean(evidence, 300)})
	}
	switch {
	case errors.Is(err, provenance.ErrUnreadable):
		add(audit.Medium, "it has a provenance attestation that can't be verified", err.Error())
	case err != nil:
		add(audit.Critical, "its provenance attestation is wrong", err.Error())
	case !built.Known():
		add(audit.Medium, "its provenance attestation is by a service that is not known",
			built.Issuer)
	default:
		f.built = built
		add(audit.Info, "its provenance is verified", "built by "+built.Workflow)
	}
	return nil
}

// npmAttested verifies the attestation of a build; a registry has its own, of the publication, too.
func (f *fetched) npmAttested(all []npm.Attestation) error {
	i := slices.IndexFunc(all, func(a npm.Attestation) bool {
		return strings.HasPrefix(a.Predicate, "https://slsa.dev/provenance/")
	})
	if i < 0 {
		return nil
	}
	algorithm, sum, _ := strings.Cut(f.main.Integrity, "-")
	digest, _ := base64.StdEncoding.DecodeString(sum) // an empty one covers nothing
	return f.attested(provenance.NPMName(f.main.Name, f.main.Version), algorithm,
		hex.EncodeToString(digest),
		func(t *provenance.Trust) (*provenance.Built, error) { return t.Verify(all[i].Bundle) })
}

// origin compares where a package was built with what it declares, and with the version that was
// installed before.
func origin(before, p *Package, declared string) (found []audit.Finding) {
	add := func(what, evidence string) {
		found = append(found, audit.Finding{ID: "provenance", Severity: audit.High, What: what,
			Evidence: safetext.Clean(evidence, 200)})
	}
	if p.Provenance != nil && declared != "" && !p.Provenance.SameRepository(declared) {
		add("it was built from another repository than the one that it declares",
			p.Provenance.Repository+", "+declared)
	}
	if before == nil || before.Provenance == nil {
		return found
	}
	was := before.Provenance.Repository
	switch {
	case p.Provenance == nil:
		add("the version that was installed before had a provenance, and this one has none", was)
	case !p.Provenance.SameRepository(was):
		add("it was built from another repository than the version that was installed before",
			p.Provenance.Repository+", "+was)
	}
	return found
}
