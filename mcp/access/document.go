package access

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// ruleFile is the JSON file that holds a rule set.
type ruleFile struct {
	Version int    `json:"version"`
	Rules   []Rule `json:"rules"`
}

// Export writes rules as a JSON document for Import. The same rules give the same bytes.
func Export(list []Rule) ([]byte, error) {
	list = append([]Rule{}, list...)
	SortRules(list)
	text, err := marshal(ruleFile{Version: 1, Rules: list})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// Import reads a document that Export wrote. One bad rule makes the whole document an error.
func Import(data []byte) ([]Rule, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var d ruleFile
	if err := dec.Decode(&d); err != nil {
		return nil, hint.Errorf("mcpbox allow export writes such a file", "rule file: %w", err)
	}
	if d.Version != 1 || dec.More() {
		return nil, hint.Errorf("mcpbox allow export writes such a file",
			"rule file: not one document of version 1")
	}
	for i, r := range d.Rules {
		if _, err := r.Canonical(); err != nil {
			return nil, hint.Wrap(fmt.Errorf("rule file: entry %d: %w", i+1, err), hint.Of(err))
		}
	}
	list, err := CanonicalRules(d.Rules)
	if err != nil {
		return nil, fmt.Errorf("rule file: %w", err)
	}
	return list, nil
}
