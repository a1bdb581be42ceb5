package schema

import (
	"errors"
	"fmt"
	"net/url"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
)

var (
	errEndless      = errors.New("a $ref leads back to itself")
	errUnresolvable = errors.New("a reference leads out of the schema, or to an anchor")
	errLarge        = errors.New("it is too large")
	errTooCostly    = errors.New("validation against the schema would take too long")
)

const (
	// of schemas, and of values that a server's schema validates
	maxNesting  = 100
	maxPatterns = 20_000     // instructions of all regular expressions in a server's schema
	maxCost     = 10_000_000 // steps that one validation with a server's schema may take
)

// cost counts the schemas that one value is checked against: those for the same value (allOf, $ref
// …), and those of properties and items one level down. The library does not bound validation:
// twenty nested allOf of two $ref each make a million steps.
type cost struct {
	root *jsonschema.Schema
	refs map[*jsonschema.Schema]*jsonschema.Schema

	mu    sync.Mutex
	known map[costKey]int
}

type costKey struct {
	s     *jsonschema.Schema
	depth int
}

// newCost prepares the count. It refuses a schema that refers to itself for the same value, and a
// schema whose references it can't follow.
func newCost(root *jsonschema.Schema) (*cost, error) {
	e := &cost{root: root, refs: map[*jsonschema.Schema]*jsonschema.Schema{},
		known: map[costKey]int{}}
	places := map[string]*jsonschema.Schema{}
	if !e.collect(root, "", 0, places) {
		return nil, errLarge
	}
	size := 0
	var unclear error
	for _, s := range places {
		if s.Ref != "" {
			to, ok := strings.CutPrefix(s.Ref, "#")
			if to, err := url.PathUnescape(to); ok && err == nil && places[to] != nil {
				e.refs[s] = places[to]
			} else {
				unclear = errUnresolvable
			}
		}
		if s.DynamicRef != "" || s.Anchor != "" || s.DynamicAnchor != "" || s.ID != "" &&
			s != root {
			unclear = errUnresolvable
		}
		size += instructions(s.Pattern)
		for p := range s.PatternProperties {
			size += instructions(p)
		}
		if size > maxPatterns {
			return nil, errLarge
		}
	}
	state := map[*jsonschema.Schema]int{}
	for _, s := range places {
		if e.endless(s, state) {
			return nil, errEndless
		}
	}
	return e, unclear
}

func instructions(pattern string) int {
	if pattern == "" {
		return 0
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0 // the compiler reports the error
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return 0
	}
	return len(prog.Inst)
}

// collect stores every schema under its JSON Pointer. It returns false if schemas are nested too
// deeply.
func (e *cost) collect(s *jsonschema.Schema, place string, depth int,
	places map[string]*jsonschema.Schema) bool {
	if s == nil {
		return true
	}
	places[place] = s
	for _, c := range slices.Concat(sameValueSchemas(s), childValueSchemas(s),
		referencedSchemas(s)) {
		if depth == maxNesting || !e.collect(c.schema, place+"/"+c.place, depth+1, places) {
			return false
		}
	}
	return true
}

// endless reports whether validating one value with s needs s again for the same value. A state is
// 1 for a schema in progress, and 2 for a finished one.
func (e *cost) endless(s *jsonschema.Schema, state map[*jsonschema.Schema]int) bool {
	if s == nil || state[s] == 2 {
		return false
	}
	if state[s] == 1 {
		return true
	}
	state[s] = 1
	for _, c := range sameValueSchemas(s) {
		if e.endless(c.schema, state) {
			return true
		}
	}
	if e.endless(e.refs[s], state) {
		return true
	}
	state[s] = 2
	return false
}

// affordable reports whether v can be validated within maxCost steps.
func (e *cost) affordable(v any) bool {
	depth, values := measure(v)
	if depth > maxNesting {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.steps(e.root, depth) <= maxCost/values
}

// steps counts the schemas for a value of that depth, with one value a level. It stops at maxCost.
func (e *cost) steps(s *jsonschema.Schema, depth int) int {
	if s == nil {
		return 0
	}
	if n, ok := e.known[costKey{s, depth}]; ok {
		return n
	}
	n := 1 + e.steps(e.refs[s], depth)
	for _, c := range sameValueSchemas(s) {
		n = min(n+e.steps(c.schema, depth), maxCost)
	}
	if depth > 0 {
		for _, c := range childValueSchemas(s) {
			n = min(n+e.steps(c.schema, depth-1), maxCost)
		}
	}
	e.known[costKey{s, depth}] = n
	return n
}

// measure returns the depth of a value, and how many values it contains.
func measure(v any) (depth, values int) {
	values = 1
	within := func(item any) {
		d, n := measure(item)
		depth, values = max(depth, d+1), values+n
	}
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			within(item)
		}
	case map[string]any:
		for _, item := range v {
			within(item)
		}
	}
	return depth, values
}

// sameValueSchemas returns the subschemas that apply to the same value.
func sameValueSchemas(s *jsonschema.Schema) []child {
	return slices.Concat(byIndex("allOf", s.AllOf), byIndex("anyOf", s.AnyOf),
		byIndex("oneOf", s.OneOf), single("not", s.Not), single("if", s.If), single("then", s.Then),
		single("else", s.Else), byName("dependentSchemas", s.DependentSchemas),
		byName("dependencies", s.DependencySchemas))
}

// childValueSchemas returns the subschemas that apply to the values inside the value.
func childValueSchemas(s *jsonschema.Schema) []child {
	return slices.Concat(byName("properties", s.Properties),
		byName("patternProperties", s.PatternProperties),
		single("additionalProperties", s.AdditionalProperties),
		single("propertyNames", s.PropertyNames),
		single("unevaluatedProperties", s.UnevaluatedProperties), single("items", s.Items),
		byIndex("items", s.ItemsArray),
		byIndex("prefixItems", s.PrefixItems), single("additionalItems", s.AdditionalItems),
		single("contains", s.Contains), single("unevaluatedItems", s.UnevaluatedItems))
}

// referencedSchemas returns the subschemas that apply only through a $ref.
func referencedSchemas(s *jsonschema.Schema) []child {
	return slices.Concat(byName("$defs", s.Defs), byName("definitions", s.Definitions),
		single("contentSchema", s.ContentSchema))
}

// child is a subschema, and the JSON Pointer to it from its parent.
type child struct {
	place  string
	schema *jsonschema.Schema
}

func single(place string, s *jsonschema.Schema) []child {
	if s == nil {
		return nil
	}
	return []child{{place, s}}
}

func byIndex(place string, all []*jsonschema.Schema) (out []child) {
	for i, s := range all {
		out = append(out, child{fmt.Sprintf("%s/%d", place, i), s})
	}
	return out
}

func byName(place string, all map[string]*jsonschema.Schema) (out []child) {
	for name, s := range all {
		out = append(out, child{place + "/" +
			strings.NewReplacer("~", "~0", "/", "~1").Replace(name), s})
	}
	return out
}
