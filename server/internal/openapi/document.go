package openapi

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/mcpbox/mcpbox/server/api"
)

// Operation is one method of one address.
type Operation struct {
	Method, Path string
	What         string // it does
	In, Out      any    // values of the bodies' types; nil: none, or no JSON
	Status       int    // of success
	Query        []string
	Once         bool // takes the header Idempotency-Key
}

// Names gives types other names than their own: two packages may have types of the same name.
type Names map[reflect.Type]string

// Doc is a document. Its JSON is OpenAPI.
type Doc struct {
	OpenAPI    string                    `json:"openapi"`
	Info       map[string]string         `json:"info"`
	Paths      map[string]map[string]any `json:"paths"`
	Components struct {
		Schemas map[string]*jsonschema.Schema `json:"schemas"`
	} `json:"components"`

	operations []Operation
	names      Names
}

type object = map[string]any

// Document describes operations.
func Document(operations []Operation, title string, names Names) (*Doc, error) {
	doc := &Doc{OpenAPI: "3.1.0", Info: map[string]string{"title": title, "version": "v1"},
		Paths: map[string]map[string]any{}, operations: operations, names: names}
	doc.Components.Schemas = map[string]*jsonschema.Schema{}
	for _, of := range []any{api.Problem{}, api.Message{}} { // every stream and error has them
		if _, err := doc.reference(of); err != nil {
			return nil, err
		}
	}
	// Not at the program's start: every command of mcpbox would pay for that.
	inPath := regexp.MustCompile(`\{(\w+)\}`)
	for _, op := range operations {
		described, err := doc.describe(op, inPath)
		if err != nil {
			return nil, err
		}
		if doc.Paths[op.Path] == nil {
			doc.Paths[op.Path] = map[string]any{}
		}
		doc.Paths[op.Path][strings.ToLower(op.Method)] = described
	}
	return doc, nil
}

func (doc *Doc) describe(op Operation, inPath *regexp.Regexp) (object, error) {
	out := object{"summary": op.What, "operationId": operationID(op)}
	var parameters []object
	for _, m := range inPath.FindAllStringSubmatch(op.Path, -1) {
		parameters = append(parameters, parameter(m[1], "path", true))
	}
	for _, name := range op.Query {
		parameters = append(parameters, parameter(name, "query", name == "path"))
	}
	if op.Once {
		parameters = append(parameters, parameter("Idempotency-Key", "header", false))
	}
	if parameters != nil {
		out["parameters"] = parameters
	}
	success := object{"description": "it is done"}
	if op.Out != nil {
		ref, err := doc.reference(op.Out)
		if err != nil {
			return nil, err
		}
		success["content"] = object{"application/json": object{"schema": ref}}
	}
	out["responses"] = object{
		strconv.Itoa(op.Status): success,
		"default": object{
			"description": "a problem",
			"content": object{api.ProblemType: object{
				"schema": object{"$ref": "#/components/schemas/Problem"}}},
		},
	}
	if op.In != nil {
		ref, err := doc.reference(op.In)
		if err != nil {
			return nil, err
		}
		out["requestBody"] = object{
			"required": true,
			"content":  object{"application/json": object{"schema": ref}},
		}
	}
	return out, nil
}

func parameter(name, in string, required bool) object {
	return object{"name": name, "in": in, "required": required, "schema": object{"type": "string"}}
}

// operationID is a name such as createExecutions: what a generated client calls its method.
func operationID(op Operation) string {
	out := map[string]string{"GET": "get", "POST": "create", "PUT": "put", "PATCH": "change",
		"DELETE": "delete"}[op.Method]
	between := func(c rune) bool { return strings.ContainsRune("/{}._", c) }
	for _, part := range strings.FieldsFunc(op.Path, between) {
		if part != "v1" {
			out += strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return out
}

// reference adds the schema of v's type, and refers to it.
func (doc *Doc) reference(v any) (object, error) {
	name := doc.name(v)
	if doc.Components.Schemas[name] == nil {
		s, err := jsonschema.ForType(typeOf(v),
			&jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
				reflect.TypeFor[time.Time]():       {Type: "string", Format: "date-time"},
				reflect.TypeFor[json.RawMessage](): {},
				reflect.TypeFor[[]byte]():          {Type: "string", ContentEncoding: "base64"},
			}})
		if err != nil {
			return nil, err
		}
		doc.Components.Schemas[name] = s
	}
	return object{"$ref": "#/components/schemas/" + name}, nil
}

func typeOf(v any) reflect.Type {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// name is a type's name in the document.
func (doc *Doc) name(v any) string {
	t := typeOf(v)
	if name := doc.names[t]; name != "" {
		return name
	}
	return t.Name()
}
