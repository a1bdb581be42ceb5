// Package testsigstore gives tests a certificate authority and a log as sigstore has them, and the
// attestations that they would make.
//
//	s := testsigstore.New(t)
//	os.WriteFile(file, s.Root(), 0o600)       // a trusted_root.json
//	bundle := s.Bundle(testsigstore.Attestation{Subject: "pkg:npm/notes@1.0.0", …})
//
// Only tests import it.
package testsigstore

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strconv"
	"testing"
	"time"
)

// Sigstore is an authority and a log.
type Sigstore struct {
	t         testing.TB
	ca        *x509.Certificate
	caKey     *ecdsa.PrivateKey
	logKey    *ecdsa.PrivateKey
	logPublic []byte
}

// New makes both.
func New(t testing.TB) *Sigstore {
	s := &Sigstore{t: t, caKey: key(t), logKey: key(t)}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true,
		Subject: pkix.Name{CommonName: "test"}, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().AddDate(-1, 0, 0),
		NotAfter: time.Now().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &s.caKey.PublicKey, s.caKey)
	if err == nil {
		s.ca, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	if s.logPublic, err = x509.MarshalPKIXPublicKey(&s.logKey.PublicKey); err != nil {
		t.Fatal(err)
	}
	return s
}

func key(t testing.TB) *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

type object map[string]any

func marshal(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// Root is a trusted_root.json.
func (s *Sigstore) Root() []byte {
	valid := object{"start": time.Now().AddDate(-1, 0, 0).UTC().Format(time.RFC3339)}
	return marshal(object{
		"tlogs": []any{object{"publicKey": object{"rawBytes": s.logPublic, "validFor": valid}}},
		"certificateAuthorities": []any{object{"validFor": valid,
			"certChain": object{"certificates": []any{object{"rawBytes": s.ca.Raw}}}}}})
}

// Attestation is what one says. Zero fields are as they have to be.
type Attestation struct {
	Subject    string // pkg:npm/NAME@VERSION
	Algorithm  string // of Digest; default sha512
	Digest     []byte
	Repository string // https://github.com/acme/notes
	Claimed    string // the repository that the statement names; default: Repository
	Issuer     string // default: GitHub's
	At         time.Time

	// What is wrong with it.
	BrokenSignature, BrokenPromise, OtherEntry, OldCertificate bool
}

const workflow = ".github/workflows/release.yml"

func (s *Sigstore) leaf(a Attestation, k *ecdsa.PrivateKey) *x509.Certificate {
	text := func(n int, value string) pkix.Extension {
		der, err := asn1.MarshalWithParams(value, "utf8")
		if err != nil {
			s.t.Fatal(err)
		}
		return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, n}, Value: der}
	}
	from := a.At.Add(-time.Minute)
	if a.OldCertificate {
		from = a.At.Add(-time.Hour)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: from,
		NotAfter: from.Add(10 * time.Minute), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{
			text(8, cmp.Or(a.Issuer, "https://token.actions.githubusercontent.com")),
			text(12, a.Repository), text(13, "c0ffee"),
			text(18, a.Repository+"/"+workflow+"@refs/heads/main")}}
	der, err := x509.CreateCertificate(rand.Reader, template, s.ca, &k.PublicKey, s.caKey)
	if err != nil {
		s.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		s.t.Fatal(err)
	}
	return cert
}

func (s *Sigstore) sign(k *ecdsa.PrivateKey, text []byte) []byte {
	sum := sha256.Sum256(text)
	sig, err := ecdsa.SignASN1(rand.Reader, k, sum[:])
	if err != nil {
		s.t.Fatal(err)
	}
	return sig
}

// parts of an attestation.
type parts struct {
	statement, sig []byte
	cert           *x509.Certificate
	entry          object
}

func (s *Sigstore) make(a Attestation) parts {
	if a.At.IsZero() {
		a.At = time.Now()
	}
	k := key(s.t)
	p := parts{cert: s.leaf(a, k)}
	p.statement = marshal(object{"_type": "https://in-toto.io/Statement/v1",
		"subject": []any{object{"name": a.Subject, "digest": object{
			cmp.Or(a.Algorithm, "sha512"): hex.EncodeToString(a.Digest)}}},
		"predicateType": "https://slsa.dev/provenance/v1",
		"predicate": object{"buildDefinition": object{"externalParameters": object{
			"workflow": object{"repository": cmp.Or(a.Claimed, a.Repository), "path": workflow,
				"ref": "refs/heads/main"}}}}})
	const kind = "application/vnd.in-toto+json"
	p.sig = s.sign(k, fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(p.statement),
		p.statement))
	logged := p.statement
	if a.OtherEntry {
		logged = []byte("another statement")
	}
	sum := sha256.Sum256(logged)
	body := marshal(object{"apiVersion": "0.0.1", "kind": "dsse", "spec": object{
		"payloadHash": object{"algorithm": "sha256", "value": hex.EncodeToString(sum[:])},
		"signatures": []any{object{"signature": p.sig, "verifier": pem.EncodeToMemory(
			&pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw})}}}})
	id := sha256.Sum256(s.logPublic)
	promised := fmt.Sprintf(`{"body":"%s","integratedTime":%d,"logID":"%x","logIndex":7}`,
		base64.StdEncoding.EncodeToString(body), a.At.Unix(), id)
	if a.BrokenPromise {
		promised += " "
	}
	if a.BrokenSignature {
		p.statement = append(p.statement, ' ')
	}
	p.entry = object{"logIndex": "7", "logId": object{"keyId": id[:]},
		"integratedTime":    strconv.FormatInt(a.At.Unix(), 10),
		"inclusionPromise":  object{"signedEntryTimestamp": s.sign(s.logKey, []byte(promised))},
		"canonicalizedBody": body}
	return p
}

// Bundle is an attestation in sigstore's form, as npm's registry has it.
func (s *Sigstore) Bundle(a Attestation) json.RawMessage {
	p := s.make(a)
	return marshal(object{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
		"verificationMaterial": object{"certificate": object{"rawBytes": p.cert.Raw},
			"tlogEntries": []any{p.entry}},
		"dsseEnvelope": object{"payload": p.statement,
			"payloadType": "application/vnd.in-toto+json",
			"signatures":  []any{object{"sig": p.sig}}}})
}

// PyPI is an attestation in the form of PEP 740. publisher is OWNER/NAME, as the index says it.
func (s *Sigstore) PyPI(a Attestation, publisher string) json.RawMessage {
	p := s.make(a)
	return marshal(object{"version": 1, "attestation_bundles": []any{object{
		"publisher": object{"kind": "GitHub", "repository": publisher, "workflow": "release.yml"},
		"attestations": []any{object{"version": 1,
			"verification_material": object{"certificate": p.cert.Raw,
				"transparency_entries": []any{p.entry}},
			"envelope": object{"statement": p.statement, "signature": p.sig}}}}}})
}
