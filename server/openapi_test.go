package server_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"maps"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/mcpbox/mcpbox/server/api"
)

type document struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		OperationID string
		Parameters  []struct{ Name, In string }
		RequestBody *struct {
			Content map[string]struct{ Schema schema }
		}
	}
	Components struct{ Schemas map[string]schema }
}

type schema struct {
	Ref        string `json:"$ref"`
	Properties map[string]json.RawMessage
}

func openAPI(t *testing.T, d *daemon) (doc document) {
	t.Helper()
	_, text, _ := d.raw(t, "GET", "/v1/openapi.json", "")
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return doc
}

func TestTheOpenAPIDocumentIsWhole(t *testing.T) {
	d := start(t, folder(t), "")
	doc := openAPI(t, d)
	if doc.OpenAPI != "3.1.0" || len(doc.Paths) < 10 {
		t.Fatalf("%+v", doc)
	}
	seen := map[string]bool{}
	for path, operations := range doc.Paths {
		for method, op := range operations {
			if seen[op.OperationID] {
				t.Errorf("%s %s: there are two %s", method, path, op.OperationID)
			}
			seen[op.OperationID] = true
			if op.RequestBody != nil {
				name := strings.TrimPrefix(op.RequestBody.Content["application/json"].Schema.Ref,
					"#/components/schemas/")
				if len(doc.Components.Schemas[name].Properties) == 0 {
					t.Errorf("%s %s: no schema %q", method, path, name)
				}
			}
		}
	}
	if doc.Components.Schemas["ExecutionRequest"].Properties["command"] == nil {
		t.Errorf("ExecutionRequest: %v", doc.Components.Schemas["ExecutionRequest"])
	}
}

// Most routes get their types from their handler's signature. Those that write by themselves, and
// some others, are held to the document here: an answer has nothing that the schema does not have.
func TestAnswersAreAsTheDocumentSays(t *testing.T) {
	d := start(t, folder(t), "allowlist: allow.db\n")
	_, text, _ := d.raw(t, "GET", "/v1/openapi.json", "")
	var doc struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct {
				Content map[string]struct{ Schema schema }
			}
		}
		Components struct{ Schemas map[string]*jsonschema.Schema }
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	box := newBox(t, d, api.SandboxRequest{})
	for _, c := range []struct {
		method, path, at, body string
		status                 int
	}{
		{"post", "/v1/executions", "", `{"command": ["unshare", "-m", "true"]}`, 200},
		{"post", "/v1/executions", "", `{"code": "print(1)", "language": "python"}`, 200},
		{"post", "/v1/executions", "", `{"comand": 1}`, 400},
		{"get", "/v1/executions", "", "", 200},
		{"get", "/v1/events", "", "", 200},
		{"post", "/v1/sandboxes/{id}/exec", "/v1/sandboxes/" + box + "/exec",
			`{"command": ["true"]}`, 200},
		{"get", "/v1/sandboxes/{id}", "/v1/sandboxes/" + box, "", 200},
		{"get", "/v1/sandboxes/{id}", "/v1/sandboxes/none", "", 404},
		{"get", "/v1/sandboxes", "", "", 200}, {"get", "/v1/stats", "", "", 200},
		{"get", "/v1/reports", "", "", 200}, {"get", "/v1/servers", "", "", 200},
		{"post", "/v1/sandboxes", "", "{}", 201},
		{"post", "/v1/rules", "", `{"id": "a", "when": "refused"}`, 201},
		{"get", "/v1/rules", "", "", 200},
		{"get", "/v1/allowlist", "", "", 200},
	} {
		at := c.at
		if at == "" {
			at = c.path
		}
		status, answer, _ := d.raw(t, strings.ToUpper(c.method), at, c.body)
		name, kind := strconv.Itoa(c.status), "application/json"
		if c.status >= 400 {
			name, kind = "default", api.ProblemType
		}
		ref := doc.Paths[c.path][c.method].Responses[name].Content[kind].Schema.Ref
		s := doc.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")]
		if status != c.status || s == nil {
			t.Errorf("%s %s: %d, want %d, schema %q", c.method, at, status, c.status, ref)
			continue
		}
		resolved, err := s.Resolve(nil)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal([]byte(answer), &v); err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(v); err != nil {
			t.Errorf("%s %s: %v in\n%s", c.method, at, err, answer)
		}
	}
}

// MCPBOX_API_FUZZ is how many requests are made up.
func TestNoRequestBreaksTheDaemon(t *testing.T) {
	n := 400
	if text := os.Getenv("MCPBOX_API_FUZZ"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	d := start(t, folder(t), "sandboxes: {most: 2}\nallowlist: allow.db\n")
	doc := openAPI(t, d)
	var ids []string // of things that there are, or were
	pattern := regexp.MustCompile(`[xsp]-[0-9a-f]{16}|"id":"[0-9a-f]{12}"`)
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	paths := slices.Sorted(maps.Keys(doc.Paths))
	codes := map[int]int{}
	for range n {
		path := paths[rnd.IntN(len(paths))]
		methods := slices.Sorted(maps.Keys(doc.Paths[path]))
		method := methods[rnd.IntN(len(methods))]
		op := doc.Paths[path][method]
		q := url.Values{}
		for _, p := range op.Parameters {
			if p.In == "path" {
				id := word(rnd)
				if len(ids) > 0 && rnd.IntN(2) == 0 {
					id = ids[rnd.IntN(len(ids))]
				}
				path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(id))
			} else if rnd.IntN(2) == 0 && p.Name != "follow" { // answers until the client leaves
				q.Set(p.Name, word(rnd))
			}
		}
		body := ""
		if op.RequestBody != nil {
			name := strings.TrimPrefix(op.RequestBody.Content["application/json"].Schema.Ref,
				"#/components/schemas/")
			body = madeUp(rnd, doc.Components.Schemas[name].Properties)
		}
		status, answer, _ := d.raw(t, strings.ToUpper(method), path+"?"+q.Encode(), body)
		codes[status]++
		for _, id := range pattern.FindAllString(answer, 3) {
			ids = append(ids, strings.Trim(strings.TrimPrefix(id, `"id":`), `"`))
		}
		ids = ids[max(0, len(ids)-50):]
		if status >= 500 {
			t.Errorf("seed %d: %s %s?%s %s\n→ %d %s", seed, method, path, q.Encode(), body, status,
				answer)
		}
	}
	if codes[200]+codes[201] == 0 || codes[422] == 0 || codes[400] == 0 {
		t.Errorf("the requests were not of all kinds: %v", codes)
	}
	t.Logf("answers by status: %v", codes)
}

var words = []string{
	"",
	"x",
	"true",
	"echo",
	"standard",
	"strict",
	"none",
	"maximum",
	"0",
	"-1",
	"1e999",
	"/work",
	"/",
	"..",
	"\x00",
	"\u202e",
	"'",
	"🙂",
	strings.Repeat("a", 5000),
	"tool",
	"allow",
	"refused",
	"true",
	"pending",
	"2026-01-31T12:00:00Z",
	"10s",
	"sync",
	"async",
	"stream",
	"python",
	"sh",
	"running",
	"%2e%2e",
	"null",
}

func word(rnd *rand.Rand) string { return words[rnd.IntN(len(words))] }

// madeUp is a body with some of the properties, most of them of a type that could be right.
func madeUp(rnd *rand.Rand, properties map[string]json.RawMessage) string {
	if rnd.IntN(20) == 0 {
		return word(rnd)
	}
	body := map[string]any{}
	for name, property := range properties {
		if rnd.IntN(4) != 0 {
			continue
		}
		text := string(property)
		switch {
		case rnd.IntN(10) == 0:
			odd := []any{nil, 1, "x", true, map[string]any{"a": 1}, []any{[]any{}}}
			body[name] = odd[rnd.IntN(len(odd))]
		case strings.Contains(text, `"array"`) && strings.Contains(text, `"path"`):
			body[name] = []any{map[string]any{"path": word(rnd), "text": word(rnd)}}
		case strings.Contains(text, `"array"`):
			body[name] = []any{word(rnd), word(rnd)}
		case strings.Contains(text, `"number"`), strings.Contains(text, `"integer"`):
			body[name] = []any{0, 1, -1, 0.01, 1e18}[rnd.IntN(5)]
		case strings.Contains(text, `"object"`):
			body[name] = map[string]any{word(rnd): word(rnd)}
		default:
			body[name] = word(rnd)
		}
	}
	if rnd.IntN(2) == 0 && properties["command"] != nil {
		body["command"] = []any{"echo", word(rnd)}
	}
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(data)
}
