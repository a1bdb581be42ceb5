package server

import (
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/server/api"
)

// openAPI: GET /v1/openapi.json, made from the table of routes and its Go types.
func (d *daemon) openAPI(w http.ResponseWriter, r *http.Request) {
	doc, err := d.document31()
	if err != nil {
		d.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, doc)
}

type object = map[string]any

func (d *daemon) document31() (object, error) {
	schemas, paths := object{}, object{}
	pathParameter := regexp.MustCompile(
		`\{(\w+)\}`,
	) // not at the program's start: every command pays for that
	problem, err := reference(api.Problem{}, schemas)
	if err != nil {
		return nil, err
	}
	if _, err := reference(api.Message{}, schemas); err != nil {
		return nil, err
	}
	for _, r := range d.table() {
		op := object{"summary": r.what, "operationId": operation(r)}
		var parameters []object
		for _, m := range pathParameter.FindAllStringSubmatch(r.path, -1) {
			parameters = append(parameters, parameter(m[1], "path", true))
		}
		for _, name := range r.query {
			parameters = append(parameters, parameter(name, "query", name == "path"))
		}
		if parameters != nil {
			op["parameters"] = parameters
		}
		success := object{"description": "it is done"}
		if r.out != nil {
			ref, err := reference(r.out, schemas)
			if err != nil {
				return nil, err
			}
			success["content"] = object{"application/json": object{"schema": ref}}
		}
		op["responses"] = object{
			strconv.Itoa(r.status): success,
			"default": object{
				"description": "a problem",
				"content":     object{api.ProblemType: object{"schema": problem}},
			},
		}
		if r.in != nil {
			ref, err := reference(r.in, schemas)
			if err != nil {
				return nil, err
			}
			op["requestBody"] = object{
				"required": true,
				"content":  object{"application/json": object{"schema": ref}},
			}
		}
		if paths[r.path] == nil {
			paths[r.path] = object{}
		}
		paths[r.path].(object)[strings.ToLower(r.method)] = op
	}
	return object{
		"openapi":    "3.1.0",
		"info":       object{"title": "mcpbox serve", "version": "v1"},
		"paths":      paths,
		"components": object{"schemas": schemas},
	}, nil
}

func parameter(name, in string, required bool) object {
	return object{"name": name, "in": in, "required": required, "schema": object{"type": "string"}}
}

// operation is a name such as createExecutions: what a generated client calls its method.
func operation(r route) string {
	verb := map[string]string{"GET": "get", "POST": "create", "PUT": "put", "PATCH": "change",
		"DELETE": "delete"}[r.method]
	out := verb
	between := func(c rune) bool { return strings.ContainsRune("/{}._", c) }
	for _, part := range strings.FieldsFunc(r.path, between) {
		if part != "v1" {
			out += strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return out
}

// reference adds the schema of v's type to schemas, and refers to it.
func reference(v any, schemas object) (object, error) {
	t, name := reflect.TypeOf(v), typeName(v)
	if schemas[name] == nil {
		s, err := jsonschema.ForType(
			t,
			&jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
				reflect.TypeFor[time.Time]():       {Type: "string", Format: "date-time"},
				reflect.TypeFor[json.RawMessage](): {},
				reflect.TypeFor[[]byte]():          {Type: "string", ContentEncoding: "base64"},
			}},
		)
		if err != nil {
			return nil, err
		}
		schemas[name] = s
	}
	return object{"$ref": "#/components/schemas/" + name}, nil
}

// typeName is a type's name in the document. Package monitor, policies and others have types of the
// names that package api has.
func typeName(v any) string {
	t := reflect.TypeOf(v)
	switch t {
	case reflect.TypeFor[policies.Rule]():
		return "DetectionRule"
	case reflect.TypeFor[access.Rule]():
		return "AccessRule"
	}
	return t.Name()
}
