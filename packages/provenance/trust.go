package provenance

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Trust is whose attestations are believed.
type Trust struct {
	authorities []authority
	logs        map[string]tlog // by their ids
}

// authority is a chain of certificates, its root last.
type authority struct {
	chain []*x509.Certificate
	valid period
}

type tlog struct {
	key   *ecdsa.PublicKey
	valid period
}

// period is when something may be used. A missing end is open.
type period struct {
	Start time.Time  `json:"start"`
	End   *time.Time `json:"end"`
}

func (p period) has(at time.Time) bool {
	return !at.Before(p.Start) && (p.End == nil || !at.After(*p.End))
}

type rawBytes struct {
	Raw []byte `json:"rawBytes"`
}

//go:embed trusted_root.json
var bundled []byte

// Bundled trusts sigstore's public authorities and log.
func Bundled() (*Trust, error) { return ParseTrust(bundled) }

// ParseTrust reads a trusted root: certificateAuthorities and tlogs. Logs whose keys are of another
// kind than ECDSA are left out.
func ParseTrust(data []byte) (*Trust, error) {
	var root struct {
		Authorities []struct {
			Chain struct {
				Certificates []rawBytes `json:"certificates"`
			} `json:"certChain"`
			Valid period `json:"validFor"`
		} `json:"certificateAuthorities"`
		Logs []struct {
			Key struct {
				rawBytes
				Valid period `json:"validFor"`
			} `json:"publicKey"`
		} `json:"tlogs"`
	}
	if err := json.Unmarshal(data, &root); err != nil {
		return nil, err
	}
	t := &Trust{logs: map[string]tlog{}}
	for _, a := range root.Authorities {
		one := authority{valid: a.Valid}
		for _, c := range a.Chain.Certificates {
			cert, err := x509.ParseCertificate(c.Raw)
			if err != nil {
				return nil, fmt.Errorf("a certificate authority: %w", err)
			}
			one.chain = append(one.chain, cert)
		}
		if len(one.chain) > 0 {
			t.authorities = append(t.authorities, one)
		}
	}
	for _, l := range root.Logs {
		key, err := x509.ParsePKIXPublicKey(l.Key.Raw)
		if err != nil {
			return nil, fmt.Errorf("the key of a log: %w", err)
		}
		if key, ok := key.(*ecdsa.PublicKey); ok {
			sum := sha256.Sum256(l.Key.Raw)
			t.logs[hex.EncodeToString(sum[:])] = tlog{key, l.Key.Valid}
		}
	}
	if len(t.authorities) == 0 || len(t.logs) == 0 {
		return nil, errors.New("no certificate authority, or no log with an ECDSA key")
	}
	return t, nil
}

// certified verifies that a certificate for signing code comes from an authority that is trusted.
func (t *Trust) certified(leaf *x509.Certificate, at time.Time) error {
	last := errors.New("no authority was valid then")
	for _, a := range t.authorities {
		if !a.valid.has(at) {
			continue
		}
		roots, between := x509.NewCertPool(), x509.NewCertPool()
		for i, c := range a.chain {
			if i == len(a.chain)-1 {
				roots.AddCert(c)
			} else {
				between.AddCert(c)
			}
		}
		_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between,
			CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}})
		if err == nil {
			return nil
		}
		last = err
	}
	return last
}
