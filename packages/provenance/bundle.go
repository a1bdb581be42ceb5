package provenance

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Bundle is an attestation with all that is needed to verify it offline.
type Bundle struct {
	Material struct {
		Certificate rawBytes `json:"certificate"`
		Chain       struct {
			Certificates []rawBytes `json:"certificates"`
		} `json:"x509CertificateChain"`
		Entries []Entry `json:"tlogEntries"`
	} `json:"verificationMaterial"`
	Envelope struct {
		Payload    []byte      `json:"payload"`
		Type       string      `json:"payloadType"`
		Signatures []signature `json:"signatures"`
	} `json:"dsseEnvelope"`
}

type signature struct {
	Sig []byte `json:"sig"`
}

// Entry is what the log has said of the bundle. The numbers are texts.
type Entry struct {
	Index string `json:"logIndex"`
	ID    struct {
		Key []byte `json:"keyId"`
	} `json:"logId"`
	Time    string `json:"integratedTime"`
	Promise struct {
		SET []byte `json:"signedEntryTimestamp"`
	} `json:"inclusionPromise"`
	Body []byte `json:"canonicalizedBody"`
}

const payloadType = "application/vnd.in-toto+json"

// ErrUnreadable is a bundle that this package can't verify: of a form that it does not know, or by
// nobody that it knows. It need not be forged.
var ErrUnreadable = errors.New("can't be verified here")

// Verify verifies a bundle in JSON. An error that is no ErrUnreadable means that it is forged.
func (t *Trust) Verify(data []byte) (*Built, error) {
	b := &Bundle{}
	if err := json.Unmarshal(data, b); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return t.verify(b)
}

func (t *Trust) verify(b *Bundle) (*Built, error) {
	raw := b.Material.Certificate.Raw
	if chain := b.Material.Chain.Certificates; raw == nil && len(chain) > 0 {
		raw = chain[0].Raw
	}
	if raw == nil || len(b.Envelope.Signatures) != 1 || b.Envelope.Type != payloadType {
		return nil, fmt.Errorf("%w: it has not one signature by a certificate", ErrUnreadable)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: its certificate: %w", ErrUnreadable, err)
	}
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: its key is not ECDSA", ErrUnreadable)
	}
	sig := b.Envelope.Signatures[0].Sig
	if !verifies(key, encoded(payloadType, b.Envelope.Payload), sig) {
		return nil, errors.New("its signature does not hold")
	}
	at, err := t.logged(b, leaf, sig)
	if err != nil {
		return nil, err
	}
	if err := t.certified(leaf, at); err != nil {
		return nil, fmt.Errorf("%w: its certificate is from nobody that is known: %w",
			ErrUnreadable, err)
	}
	return read(b.Envelope.Payload, leaf, at)
}

func verifies(key *ecdsa.PublicKey, text, sig []byte) bool {
	sum := sha256.Sum256(text)
	return ecdsa.VerifyASN1(key, sum[:], sig)
}

// encoded is what a DSSE signature is over: its "pre-authentication encoding".
func encoded(kind string, payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(payload), payload)
}

// logged verifies the promise of a log that is known, and returns the time of the entry.
func (t *Trust) logged(b *Bundle, leaf *x509.Certificate, sig []byte) (time.Time, error) {
	for i := range b.Material.Entries {
		e := &b.Material.Entries[i]
		log, known := t.logs[hex.EncodeToString(e.ID.Key)]
		seconds, err := strconv.ParseInt(e.Time, 10, 64)
		index, err2 := strconv.ParseInt(e.Index, 10, 64)
		if !known || err != nil || err2 != nil || len(e.Promise.SET) == 0 {
			continue
		}
		at := time.Unix(seconds, 0).UTC()
		// Canonical JSON: the names in order, no spaces. The values need no escapes.
		promised := fmt.Sprintf(`{"body":"%s","integratedTime":%d,"logID":"%x","logIndex":%d}`,
			base64.StdEncoding.EncodeToString(e.Body), seconds, e.ID.Key, index)
		if !verifies(log.key, []byte(promised), e.Promise.SET) {
			return time.Time{}, errors.New("the log's signature does not hold")
		}
		if !log.valid.has(at) {
			return time.Time{}, fmt.Errorf("the log was not in use at %s", at.Format(time.RFC3339))
		}
		return at, e.about(b.Envelope.Payload, sig, leaf)
	}
	return time.Time{}, fmt.Errorf("%w: no log that is known has promised it", ErrUnreadable)
}

// about checks that the entry is about this signature. The log writes it in two ways.
func (e *Entry) about(payload, sig []byte, leaf *x509.Certificate) error {
	type hash struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"value"`
	}
	var body struct {
		Kind string `json:"kind"`
		Spec struct {
			Payload    hash `json:"payloadHash"` // kind dsse
			Signatures []struct {
				Signature []byte `json:"signature"`
				Verifier  []byte `json:"verifier"`
			} `json:"signatures"`
			Content struct { // kind intoto
				Payload  hash `json:"payloadHash"`
				Envelope struct {
					Signatures []struct {
						Sig       []byte `json:"sig"` // in base64, twice
						PublicKey []byte `json:"publicKey"`
					} `json:"signatures"`
				} `json:"envelope"`
			} `json:"content"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(e.Body, &body); err != nil {
		return fmt.Errorf("%w: the log's entry: %w", ErrUnreadable, err)
	}
	var said hash
	var signed, by []byte
	switch s := body.Spec; {
	case body.Kind == "dsse" && len(s.Signatures) == 1:
		said, signed, by = s.Payload, s.Signatures[0].Signature, s.Signatures[0].Verifier
	case body.Kind == "intoto" && len(s.Content.Envelope.Signatures) == 1:
		one := s.Content.Envelope.Signatures[0]
		said, by = s.Content.Payload, one.PublicKey
		signed, _ = base64.StdEncoding.DecodeString(string(one.Sig))
	default:
		return fmt.Errorf("%w: the log's entry is of the kind %q", ErrUnreadable, body.Kind)
	}
	sum := sha256.Sum256(payload)
	block, _ := pem.Decode(by)
	if said.Algorithm != "sha256" || said.Value != hex.EncodeToString(sum[:]) ||
		!bytes.Equal(signed, sig) || block == nil || !bytes.Equal(block.Bytes, leaf.Raw) {
		return errors.New("the log's entry is about something else")
	}
	return nil
}
