package access

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// Parameters is what the arguments of a tool must satisfy, as the proxy checks it: nil if no rule is about it.
func (s *Set) Parameters(i Item) (*Parameters, error) {
	list := s.about(i.Server, i.Name)
	if i.Kind != KindTool || len(list) == 0 {
		return nil, nil
	}
	schema, err := mergeSchemas(list)
	if err != nil {
		return nil, err
	}
	return NewParameters(schema, commonFolders(list))
}

// about lists the parameter rules of a tool.
func (s *Set) about(server, tool string) (out []Rule) {
	for _, r := range s.rules[LayerParameter] {
		if glob(r.Server, server) && glob(r.Match, tool) {
			out = append(out, r)
		}
	}
	return out
}

// mergeSchemas is one schema that asks for what each of the rules asks for; nil if none has one.
func mergeSchemas(list []Rule) (map[string]any, error) {
	var schemas []any
	for _, r := range list {
		if len(r.Schema) == 0 {
			continue
		}
		var tree map[string]any
		if err := json.Unmarshal(r.Schema, &tree); err != nil {
			return nil, err
		}
		schemas = append(schemas, tree)
	}
	switch len(schemas) {
	case 0:
		return nil, nil
	case 1:
		return schemas[0].(map[string]any), nil
	}
	return map[string]any{"allOf": schemas}, nil
}

// commonFolders are, for each argument, those that every rule about it agrees to.
func commonFolders(list []Rule) map[string][]string {
	out := map[string][]string{}
	for _, r := range list {
		for name, more := range r.Paths {
			if have, ok := out[name]; ok {
				out[name] = append(subfolders(have, more), subfolders(more, have)...)
			} else {
				out[name] = more
			}
		}
	}
	return out
}

// subfolders are the folders of which one of the others is a parent, or the same.
func subfolders(list, others []string) (out []string) {
	for _, f := range list {
		if slices.ContainsFunc(others, func(o string) bool { return o == "/" || f == o || strings.HasPrefix(f, o+"/") }) {
			out = append(out, f)
		}
	}
	return out
}

// CheckArguments judges arguments that are not at a server: the paths in them are compared as they are written, no
// symbolic link is followed.
func (s *Set) CheckArguments(server, tool string, arguments json.RawMessage) Verdict {
	list := s.about(server, tool)
	if len(list) == 0 {
		return Verdict{Allowed: true}
	}
	if len(arguments) == 0 {
		arguments = json.RawMessage("{}")
	}
	var args map[string]any
	if err := json.Unmarshal(arguments, &args); err != nil {
		return refuse(LayerParameter, "the arguments of %s are no JSON object", tool)
	}
	schema, err := s.resolved(server, tool, list)
	if err != nil {
		return refuse(LayerParameter, "%v", err)
	}
	if schema != nil {
		if err := schema.Validate(args); err != nil {
			return refuse(LayerParameter, "%v", err)
		}
	}
	for name, allowed := range commonFolders(list) {
		if v, ok := args[name]; ok && !lexicallyInside(v, allowed) {
			return refuse(LayerParameter, "%s is not in %s", name, strings.Join(allowed, ", "))
		}
	}
	return Verdict{Allowed: true}
}

// resolved compiles the schema of a tool once: thousands of records are judged with it.
func (s *Set) resolved(server, tool string, list []Rule) (*jsonschema.Resolved, error) {
	key := server + "\x00" + tool
	if have, ok := s.schemas.Load(key); ok {
		return have.(*jsonschema.Resolved), nil
	}
	tree, err := mergeSchemas(list)
	if tree == nil || err != nil {
		return nil, err
	}
	text, err := marshal(tree)
	if err != nil {
		return nil, err
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(text, &schema); err != nil {
		return nil, err
	}
	out, err := schema.Resolve(nil)
	if err == nil {
		s.schemas.Store(key, out)
	}
	return out, err
}
