package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// Schema is a compiled JSON Schema; nil accepts everything.
type Schema struct {
	resolved *jsonschema.Resolved
	cost     *cost // of a server's schema: the cost of a validation
}

const (
	maxUntrusted = 1 << 20 // bytes of a server's schema
)

// Compile compiles an operator's schema.
func Compile(raw []byte) (*Schema, error) { return compile(raw, false) }

// CompileUntrusted compiles a server's schema. The server chooses the schema and may choose the
// values, so size and cost are bounded.
func CompileUntrusted(raw []byte) (*Schema, error) { return compile(raw, true) }

func compile(raw []byte, foreign bool) (out *Schema, err error) {
	defer recovered(&err)
	if foreign && len(raw) > maxUntrusted {
		return nil, errLarge
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, err
	}
	e, err := newCost(&s)
	if errors.Is(err, errEndless) || foreign && err != nil {
		return nil, err
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		return nil, err
	}
	if !foreign {
		e = nil
	}
	out = &Schema{resolved, e}
	if err := out.Validate(map[string]any{}); err != nil &&
		strings.Contains(err.Error(), "cannot validate version") {
		return nil, err
	}
	return out, nil
}

func (s *Schema) Validate(v any) (err error) {
	if s == nil {
		return nil
	}
	defer recovered(&err)
	if s.cost != nil && !s.cost.affordable(v) {
		return errTooCostly
	}
	return s.resolved.Validate(v)
}

// recovered turns a panic of the library into an error, because anybody may have written the
// schema.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the schema can't be used: %v", r)
	}
}
