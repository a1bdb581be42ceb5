package npm

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// LookScript prints a Look. See its first lines for its arguments.
//
//go:embed look.js
var LookScript string

// Look is what registries said of the packages of a lock file.
type Look struct {
	Packages []Said           `json:"packages"`
	Keys     map[string][]Key `json:"keys"` // by registry, as the registry itself publishes them
	// Attestations of the package that was asked for.
	Attestations []Attestation `json:"attestations"`
}

// Attestation is what a registry keeps of where a version comes from.
type Attestation struct {
	Predicate string          `json:"predicateType"`
	Bundle    json.RawMessage `json:"bundle"` // of sigstore's
}

// Said is what a registry said of one version.
type Said struct {
	Name       string      `json:"name"`
	Version    string      `json:"version"`
	Integrity  string      `json:"integrity"` // hashes of the archive, with spaces between
	Signatures []Signature `json:"signatures"`
	Attested   bool        `json:"attested"` // it has a provenance attestation
	Deprecated string      `json:"deprecated"`
}

// Signature is a registry's over NAME@VERSION:INTEGRITY, in base64.
type Signature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
}

// Key is a registry's public key: ECDSA on P-256, DER in base64.
type Key struct {
	KeyID   string  `json:"keyid"`
	Key     string  `json:"key"`
	Expires *string `json:"expires"`
}

// Keys are those that are known beforehand, by registry.
type Keys map[string]struct {
	Keys []Key `json:"keys"`
}

//go:embed keys.json
var bundled []byte

// BundledKeys are npm's own, as its registry published them.
func BundledKeys() Keys {
	k, err := ParseKeys(bundled)
	if err != nil {
		panic(err) // a test reads them
	}
	return k
}

// ParseKeys reads a file of keys: {"REGISTRY": {"keys": […]}}, each as a registry publishes it.
func ParseKeys(data []byte) (Keys, error) {
	var k Keys
	if err := json.Unmarshal(data, &k); err != nil {
		return nil, err
	}
	for registry, all := range k {
		for _, key := range all.Keys {
			if _, err := key.public(); err != nil {
				return nil, fmt.Errorf("%s: key %s: %w", registry, key.KeyID, err)
			}
		}
	}
	return k, nil
}

func (k *Key) public() (*ecdsa.PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(k.Key)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("no ECDSA key")
	}
	return key, nil
}

// Vouches reports that the registry gives this hash of the archive.
func (s *Said) Vouches(integrity string) bool {
	return slices.Contains(strings.Fields(s.Integrity), integrity)
}

// Verify checks a registry's signatures over what is installed, which has integrity. One that holds
// is enough. known: a key of the list was named.
func (s *Said) Verify(integrity string, keys []Key) (known, holds bool) {
	sum := sha256.Sum256([]byte(s.Name + "@" + s.Version + ":" + integrity))
	for _, sig := range s.Signatures {
		i := slices.IndexFunc(keys, func(k Key) bool { return k.KeyID == sig.KeyID })
		if i < 0 {
			continue
		}
		known = true
		der, err := base64.StdEncoding.DecodeString(sig.Sig)
		key, err2 := keys[i].public()
		if err == nil && err2 == nil && ecdsa.VerifyASN1(key, sum[:], der) {
			return true, true
		}
	}
	return known, false
}
