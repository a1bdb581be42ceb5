package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/mcp/internal/schema"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// parameters holds the rules for a tool's arguments: a schema, and the folders that paths must be
// in.
type parameters struct {
	whole          *schema.Schema
	each           map[string]*schema.Schema // by argument, to name the one that is wrong
	paths          map[string][]string
	names          map[string]bool // of all ruled arguments, at any depth
	canonicalNames map[string]bool // the same names in canonical form
}

// newParameters compiles a JSON Schema and path rules (argument → folders as the server sees them).
// Either may be nil.
func newParameters(rules map[string]any, paths map[string][]string) (*parameters, error) {
	p := &parameters{paths: paths, each: map[string]*schema.Schema{}, names: map[string]bool{},
		canonicalNames: map[string]bool{}}
	for name := range paths {
		p.names[name], p.canonicalNames[wire.Canonical(name)] = true, true
	}
	p.learnNames(rules)
	if rules == nil {
		return p, nil
	}
	var err error
	if p.whole, err = schema.Compile(wire.Encode(rules)); err != nil {
		return nil, err
	}
	properties, _ := rules["properties"].(map[string]any)
	for name, sub := range properties {
		// a part with a $ref to the whole schema can't be compiled alone
		if s, err := schema.Compile(wire.Encode(sub)); err == nil {
			p.each[name] = s
		}
	}
	return p, nil
}

// learnNames collects the names of the properties in a schema.
func (p *parameters) learnNames(rules any) {
	switch rules := rules.(type) {
	case map[string]any:
		properties, _ := rules["properties"].(map[string]any)
		for name := range properties {
			p.names[name], p.canonicalNames[wire.Canonical(name)] = true, true
		}
		for _, sub := range rules {
			p.learnNames(sub)
		}
	case []any:
		for _, sub := range rules {
			p.learnNames(sub)
		}
	}
}

// lookalike finds a member, at any depth, whose name some server could take for a ruled one. Such a
// name differs from the ruled one only in case, in blanks, or after a zero byte.
func (p *parameters) lookalike(v any) (name string, found bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			if !p.names[key] && p.canonicalNames[wire.Canonical(key)] {
				return key, true
			}
			if name, found = p.lookalike(item); found {
				return name, true
			}
		}
	case []any:
		for _, item := range v {
			if name, found = p.lookalike(item); found {
				return name, true
			}
		}
	}
	return "", false
}

// check says what is wrong with the arguments, in words for the operator. at names the argument, if
// only one is wrong.
func (p *parameters) check(args map[string]any, fs Filesystem) (at string, err error) {
	if name, found := p.lookalike(args); found {
		return "", fmt.Errorf("some servers would take %q for an argument that has a rule",
			name)
	}
	if err := p.whole.Validate(args); err != nil {
		for name, s := range p.each {
			if v, ok := args[name]; ok && s.Validate(v) != nil {
				at = name
			}
		}
		return at, err
	}
	for name, folders := range p.paths {
		v, ok := args[name]
		if !ok {
			continue
		}
		if err := checkPaths(v, folders, fs); err != nil {
			return name, fmt.Errorf("%s: %w", name, err)
		}
	}
	return "", nil
}

// CheckArguments implements Rules.
func (s *Set) CheckArguments(tool Item, args *Arguments, fs Filesystem) Verdict {
	p, err := s.parameters(tool)
	if err != nil {
		return s.refuse(LayerParameter, "the rules for the arguments of %s are not valid: %v",
			tool.Name, err)
	}
	if p == nil {
		return Verdict{Allowed: true}
	}
	values, err := args.Values()
	if err != nil {
		v := s.refuse(LayerParameter, "the arguments are not a JSON object")
		v.Say = "The arguments of a tool must be a JSON object."
		return v
	}
	if args.Ambiguous() {
		v := s.refuse(LayerParameter, "an argument occurs twice, or in two spellings")
		v.Say = "An argument occurs twice."
		return v
	}
	at, err := p.check(values, fs)
	if err == nil {
		return Verdict{Allowed: true}
	}
	v := s.refuse(LayerParameter, "%s", safetext.Clean(err.Error(), 200))
	v.Say = "The arguments are outside of what is permitted here."
	if at != "" {
		v.Say = fmt.Sprintf("The argument %q is outside of what is permitted here.",
			safetext.Clean(at, 80))
	}
	return v
}

// HasParameters reports whether a rule is about the arguments of a tool.
func (s *Set) HasParameters(server, tool string) bool {
	return len(s.parameterRules(server, tool)) > 0
}

// parameterRules returns the indexes, within the layer, of the rules for a tool's arguments.
func (s *Set) parameterRules(server, tool string) (at []int) {
	for i, r := range s.rules[LayerParameter] {
		// A server could accept another spelling of the tool's name.
		isTool := Match(r.Match, tool) || Match(wire.Canonical(r.Match), wire.Canonical(tool))
		if isTool && Match(r.Server, server) {
			at = append(at, i)
		}
	}
	return at
}

// parameterCache keeps compiled parameters. The key lists the rules that they came from.
type parameterCache struct {
	mu  sync.Mutex
	all map[string]compiled
}

type compiled struct {
	*parameters
	err error
}

// parameters compiles the rules for a tool's arguments. The result is nil if there are none.
func (s *Set) parameters(tool Item) (*parameters, error) {
	at := s.parameterRules(tool.Server, tool.Name)
	if len(at) == 0 {
		return nil, nil
	}
	var key strings.Builder
	for _, i := range at {
		key.WriteString(strconv.Itoa(i) + " ")
	}
	c := s.compiled
	c.mu.Lock()
	defer c.mu.Unlock()
	out, ok := c.all[key.String()]
	if !ok {
		out.parameters, out.err = s.compile(at)
		if c.all == nil {
			c.all = map[string]compiled{}
		}
		c.all[key.String()] = out
	}
	return out.parameters, out.err
}

func (s *Set) compile(at []int) (*parameters, error) {
	var schemas []any
	folders := map[string][]string{}
	for _, i := range at {
		r := s.rules[LayerParameter][i]
		for name, more := range r.Paths {
			if have, ok := folders[name]; ok {
				more = append(subfolders(have, more), subfolders(more, have)...)
			}
			folders[name] = more
		}
		if len(r.Schema) == 0 {
			continue
		}
		var tree map[string]any
		if err := json.Unmarshal(r.Schema, &tree); err != nil {
			return nil, errors.New("a rule's schema is no JSON object")
		}
		schemas = append(schemas, tree)
	}
	switch len(schemas) {
	case 0:
		return newParameters(nil, folders)
	case 1:
		return newParameters(schemas[0].(map[string]any), folders)
	}
	return newParameters(map[string]any{"allOf": schemas}, folders)
}

// subfolders returns the folders of list that are in others, or lie below one of them.
func subfolders(list, others []string) (out []string) {
	for _, f := range list {
		if slices.ContainsFunc(others, func(parent string) bool { return inFolder(f, parent) }) {
			out = append(out, f)
		}
	}
	return out
}
