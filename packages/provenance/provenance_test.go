package provenance_test

import (
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testsigstore"
	"github.com/mcpbox/mcpbox/packages/provenance"
)

const repository = "https://github.com/acme/notes"

var (
	digest = sha512.Sum512([]byte("an archive"))
	sum    = hex.EncodeToString(digest[:])
)

func attestation() testsigstore.Attestation {
	return testsigstore.Attestation{Subject: "pkg:npm/%40acme/notes@1.0.0", Digest: digest[:],
		Repository: repository}
}

func TestAnAttestationSaysWhereAPackageWasBuilt(t *testing.T) {
	s := testsigstore.New(t)
	trust, err := provenance.ParseTrust(s.Root())
	if err != nil {
		t.Fatal(err)
	}
	built, err := trust.Verify(s.Bundle(attestation()))
	if err != nil {
		t.Fatal(err)
	}
	if built.Repository != repository || !built.Known() || built.Commit != "c0ffee" ||
		built.Workflow != repository+"/.github/workflows/release.yml@refs/heads/main" {
		t.Errorf("%+v", built)
	}
	name := provenance.NPMName("@acme/notes", "1.0.0")
	if err := built.Covers(name, "sha512", sum); err != nil {
		t.Error(err)
	}
	other := sha512.Sum512([]byte("another archive"))
	for _, c := range [][2]string{{provenance.NPMName("@acme/notes", "1.0.1"), sum},
		{name, hex.EncodeToString(other[:])}, {name, ""}} {
		if built.Covers(c[0], "sha512", c[1]) == nil {
			t.Errorf("it covers %v", c)
		}
	}
	for _, same := range []string{"git+https://github.com/Acme/notes.git", "acme/notes",
		"github:acme/notes", "git@github.com:acme/notes.git", "ssh://git@github.com/acme/notes",
		"https://github.com/acme/notes#main", "git://github.com/acme/notes.git/"} {
		if !built.SameRepository(same) {
			t.Errorf("%s is taken for another repository", same)
		}
	}
	for _, other := range []string{"", "acme/notes2", "https://gitlab.com/acme/notes",
		"https://evil.test/github.com/acme/notes", "https://github.com/acme/notes/../evil"} {
		if built.SameRepository(other) {
			t.Errorf("%s is taken for the repository", other)
		}
	}
}

func TestWhatIsForgedIsFound(t *testing.T) {
	s, stranger := testsigstore.New(t), testsigstore.New(t)
	trust, err := provenance.ParseTrust(s.Root())
	if err != nil {
		t.Fatal(err)
	}
	bad := func(change func(*testsigstore.Attestation)) []byte {
		a := attestation()
		change(&a)
		return s.Bundle(a)
	}
	const another = "https://github.com/acme/other"
	for want, bundle := range map[string][]byte{
		"its signature does not hold": bad(func(a *testsigstore.Attestation) {
			a.BrokenSignature = true
		}),
		"the log's signature does not hold": bad(func(a *testsigstore.Attestation) {
			a.BrokenPromise = true
		}),
		"the log's entry is about something else": bad(func(a *testsigstore.Attestation) {
			a.OtherEntry = true
		}),
		"it names the workflow " + another: bad(func(a *testsigstore.Attestation) {
			a.Claimed = another
		}),
	} {
		if b, err := trust.Verify(bundle); err == nil || !strings.Contains(err.Error(), want) ||
			errors.Is(err, provenance.ErrUnreadable) {
			t.Errorf("%s: %+v, %v", want, b, err)
		}
	}
	for want, bundle := range map[string][]byte{
		"no log that is known has promised it": stranger.Bundle(attestation()),
		"its certificate is from nobody that is known": bad(func(a *testsigstore.Attestation) {
			a.OldCertificate = true
		}),
		"unexpected end":    []byte("{"),
		"not one signature": []byte("{}"),
	} {
		if b, err := trust.Verify(bundle); !errors.Is(err, provenance.ErrUnreadable) ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %+v, %v", want, b, err)
		}
	}
}

func TestAnIndexNamesThePublisher(t *testing.T) {
	s := testsigstore.New(t)
	trust, err := provenance.ParseTrust(s.Root())
	if err != nil {
		t.Fatal(err)
	}
	a := attestation()
	a.Subject = "notes-1.0-py3-none-any.whl"
	built, err := trust.VerifyPyPI(s.PyPI(a, "acme/notes"))
	if err != nil || built.Covers(a.Subject, "sha512", sum) != nil {
		t.Errorf("%+v, %v", built, err)
	}
	if b, err := trust.VerifyPyPI(s.PyPI(a, "acme/other")); err == nil ||
		errors.Is(err, provenance.ErrUnreadable) {
		t.Errorf("another publisher: %+v, %v", b, err)
	}
	if _, err := trust.VerifyPyPI([]byte("{}")); !errors.Is(err, provenance.ErrUnreadable) {
		t.Errorf("nothing: %v", err)
	}
}

func TestTheBundledTrustCanBeRead(t *testing.T) {
	if _, err := provenance.Bundled(); err != nil {
		t.Error(err)
	}
}
