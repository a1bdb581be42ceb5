package provenance

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
)

// PyPI is what an index says of the provenance of a file: PEP 740.
type PyPI struct {
	Bundles []struct {
		Publisher struct {
			Kind       string `json:"kind"`
			Repository string `json:"repository"`
			Workflow   string `json:"workflow"`
		} `json:"publisher"`
		Attestations []struct {
			Material struct {
				Certificate []byte  `json:"certificate"`
				Entries     []Entry `json:"transparency_entries"`
			} `json:"verification_material"`
			Envelope struct {
				Statement []byte `json:"statement"`
				Signature []byte `json:"signature"`
			} `json:"envelope"`
		} `json:"attestations"`
	} `json:"attestation_bundles"`
}

// VerifyPyPI verifies every attestation of such an answer, and that the publisher that the index
// names is the one of the certificates. It returns the first one.
func (t *Trust) VerifyPyPI(data []byte) (first *Built, err error) {
	said := &PyPI{}
	if err := json.Unmarshal(data, said); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	for _, all := range said.Bundles {
		for _, a := range all.Attestations {
			b := &Bundle{}
			b.Material.Certificate.Raw = a.Material.Certificate
			b.Material.Entries = a.Material.Entries
			b.Envelope.Type, b.Envelope.Payload = payloadType, a.Envelope.Statement
			b.Envelope.Signatures = []signature{{a.Envelope.Signature}}
			built, err := t.verify(b)
			if err != nil {
				return nil, err
			}
			file, _, _ := strings.Cut(built.Workflow, "@")
			p := all.Publisher
			// A publisher is OWNER/NAME at the service that kind names.
			if !built.SameRepository("https://"+strings.ToLower(p.Kind)+".com/"+p.Repository) ||
				p.Workflow != "" && path.Base(file) != path.Base(p.Workflow) {
				return nil, errors.New("the index names another publisher than its certificate")
			}
			if first == nil {
				first = built
			}
		}
	}
	if first == nil {
		return nil, fmt.Errorf("%w: it is empty", ErrUnreadable)
	}
	return first, nil
}
