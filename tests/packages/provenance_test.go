package packages

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testsigstore"
)

const repository = "https://github.com/acme/notes"

// believes makes the user believe the attestations of s.
func (u *user) believes(s *testsigstore.Sigstore) {
	u.t.Helper()
	folder := filepath.Join(u.home, ".config", "mcpbox")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		u.t.Fatal(err)
	}
	file := filepath.Join(folder, "trusted_root.json")
	if err := os.WriteFile(file, s.Root(), 0o600); err != nil {
		u.t.Fatal(err)
	}
}

// fromWorkflow is a server with an attestation.
func fromWorkflow(s *testsigstore.Sigstore, name string,
	change func(*testsigstore.Attestation)) published {
	p := notes()
	p.manifest["repository"] = map[string]any{"type": "git", "url": "git+" + repository + ".git"}
	p.attested = func(digest []byte) json.RawMessage {
		a := testsigstore.Attestation{Subject: "pkg:npm/" + name + "@1.0.0", Digest: digest,
			Repository: repository}
		change(&a)
		return s.Bundle(a)
	}
	return p
}

func TestAttestationsOfPackagesAreVerified(t *testing.T) {
	u := newUser(t)
	s, stranger := testsigstore.New(t), testsigstore.New(t)
	u.believes(s)
	for _, c := range []struct {
		name   string
		by     *testsigstore.Sigstore
		change func(*testsigstore.Attestation)
		want   string
	}{
		{"good", s, func(*testsigstore.Attestation) {},
			"info      provenance   its provenance is verified: built by " + repository +
				"/.github/workflows/release.yml@refs/heads/main"},
		{"stranger", stranger, func(*testsigstore.Attestation) {},
			"medium    provenance   it has a provenance attestation that can't be verified"},
		{"elsewhere", s, func(a *testsigstore.Attestation) {
			a.Repository = "https://github.com/mallory/notes"
		}, "quarantined: it was built from another repository than the one that it declares"},
		{"digest", s, func(a *testsigstore.Attestation) { a.Digest[0]++ },
			"denied: its provenance attestation is wrong (it is about another archive"},
		{"subject", s, func(a *testsigstore.Attestation) { a.Subject = "pkg:npm/other@1.0.0" },
			"denied: its provenance attestation is wrong (it is not about"},
		{"broken", s, func(a *testsigstore.Attestation) { a.BrokenSignature = true },
			"denied: its provenance attestation is wrong (its signature does not hold)"},
		{"workflow", s, func(a *testsigstore.Attestation) {
			a.Claimed = "https://github.com/acme/other"
		}, "denied: its provenance attestation is wrong (it names the workflow"},
	} {
		u.publish(c.name, fromWorkflow(c.by, c.name, c.change))
		out, said := u.mcpbox("", "audit", c.name)
		if !strings.Contains(out+said, c.want) {
			t.Errorf("%s: %s%s", c.name, out, said)
		}
		if n := u.asked(c.name); strings.HasPrefix(c.want, "denied") && n != 0 {
			t.Errorf("%s was downloaded %d times", c.name, n)
		}
	}
	// A version that somebody published with a stolen token has no attestation.
	stolen := notes()
	stolen.version = "1.1.0"
	u.publish("good", stolen)
	u.mcpbox("", "install", "npm:good")
	out, _ := u.mcpbox("", "packages", "update", "good")
	if out != "" {
		t.Logf("%s", out)
	}
	out, said := u.mcpbox("", "audit", "good@1.1.0")
	if !strings.Contains(out, "quarantined: the version that was installed before had a "+
		"provenance, and this one has none") {
		t.Errorf("stolen: %s%s", out, said)
	}
}

func TestAttestationsOfAnIndexAreVerified(t *testing.T) {
	u := newPyUser(t)
	s := testsigstore.New(t)
	u.believes(s)
	for _, c := range []struct {
		name, publisher, want string
		change                func(*testsigstore.Attestation)
	}{
		{"good", "acme/notes", "its provenance is verified", func(*testsigstore.Attestation) {}},
		{"publisher", "acme/other", "denied: its provenance attestation is wrong (the index names",
			func(*testsigstore.Attestation) {}},
		{"digest", "acme/notes", "denied: its provenance attestation is wrong (it is about another",
			func(a *testsigstore.Attestation) { a.Digest[0]++ }},
	} {
		w := pyNotes(c.name)
		w.attested = func(digest []byte) json.RawMessage {
			a := testsigstore.Attestation{Subject: c.name + "-1.0-py3-none-any.whl",
				Algorithm: "sha256", Digest: digest, Repository: repository}
			c.change(&a)
			return s.PyPI(a, c.publisher)
		}
		u.index.publish(w)
		if out, said := u.mcpbox("", "audit", "pypi:"+c.name); !strings.Contains(out+said, c.want) {
			t.Errorf("%s: %s%s", c.name, out, said)
		}
	}
}
