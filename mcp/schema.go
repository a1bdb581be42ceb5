package mcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// schema is a compiled JSON Schema; nil accepts everything.
type schema struct {
	resolved *jsonschema.Resolved
	effort   *effort // of a server's: what it takes to validate with it
}

const (
	maxForeign = 1 << 20 // bytes of a server's schema
)

// compileSchema compiles an operator's schema.
func compileSchema(raw []byte) (*schema, error) { return compile(raw, false) }

// compileForeignSchema compiles a server's. It decides both on the schema and on what is validated with it, so it gets no
// more memory and time for that than is bounded.
func compileForeignSchema(raw []byte) (*schema, error) { return compile(raw, true) }

func compile(raw []byte, foreign bool) (out *schema, err error) {
	defer recovered(&err)
	if foreign && len(raw) > maxForeign {
		return nil, errLarge
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, err
	}
	e, err := newEffort(&s)
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
	out = &schema{resolved, e}
	if err := out.validate(map[string]any{}); err != nil && strings.Contains(err.Error(), "cannot validate version") {
		return nil, err
	}
	return out, nil
}

func (s *schema) validate(v any) (err error) {
	if s == nil {
		return nil
	}
	defer recovered(&err)
	if s.effort != nil && !s.effort.affordable(v) {
		return errEffort
	}
	return s.resolved.Validate(v)
}

// recovered makes an error of a panic of the library's: a schema may be anybody's.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the schema can't be used: %v", r)
	}
}
