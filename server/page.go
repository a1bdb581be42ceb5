package server

import (
	"fmt"
	"html"
	"maps"
	"net/http"
	"slices"
	"strings"

	_ "embed"

	"github.com/google/jsonschema-go/jsonschema"
)

//go:embed page.css
var pageStyle string

// page: GET /v1/docs shows the OpenAPI document as a page. It needs no script and nothing from
// elsewhere.
func (d *daemon) page(w http.ResponseWriter, r *http.Request) {
	doc, err := d.document31()
	if err != nil {
		d.fail(w, r, err)
		return
	}
	var b strings.Builder
	b.WriteString("<!doctype html>\n<html lang=en><meta charset=utf-8>" +
		"<title>mcpbox serve</title>\n" +
		"<meta name=viewport content='width=device-width'><style>" + pageStyle + "</style>\n" +
		"<h1>mcpbox serve: HTTP API</h1>\n<p>Made from <a href=openapi.json>openapi.json</a>. " +
		"docs/API.md shows each call with curl.</p>\n")
	for _, route := range d.table() {
		writeOperation(&b, route)
	}
	b.WriteString("<h2>Types</h2>\n")
	schemas := doc["components"].(object)["schemas"].(object)
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		writeType(&b, name, schemas[name].(*jsonschema.Schema))
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; "+
		"frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(b.String()))
}

func writeOperation(b *strings.Builder, r route) {
	fmt.Fprintf(b, "<section><h3><b>%s</b> <code>%s</code></h3><p>%s</p>\n",
		r.method, html.EscapeString(r.path), html.EscapeString(r.what))
	if len(r.query) > 0 {
		fmt.Fprintf(b, "<p>Query: <code>%s</code></p>\n", strings.Join(r.query, "</code>, <code>"))
	}
	if r.in != nil {
		fmt.Fprintf(b, "<p>Body: %s</p>\n", typeLink(typeName(r.in)))
	}
	out := "no JSON"
	if r.out != nil {
		out = typeLink(typeName(r.out))
	}
	fmt.Fprintf(b, "<p>Answer: %d, %s</p></section>\n", r.status, out)
}

func typeLink(name string) string {
	return "<a href='#" + html.EscapeString(name) + "'>" + html.EscapeString(name) + "</a>"
}

func writeType(b *strings.Builder, name string, s *jsonschema.Schema) {
	fmt.Fprintf(b, "<section id='%[1]s'><h3>%[1]s</h3><table>\n", html.EscapeString(name))
	for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[key]
		need := ""
		if slices.Contains(s.Required, key) {
			need = "always there"
		}
		fmt.Fprintf(b, "<tr><td><code>%s</code><td>%s<td>%s\n", html.EscapeString(key),
			html.EscapeString(describe(p)), need)
	}
	b.WriteString("</table></section>\n")
}

// describe names a schema's type.
func describe(s *jsonschema.Schema) string {
	name := s.Type
	if name == "" {
		name = strings.Join(s.Types, " or ")
	}
	switch {
	case s.Format != "":
		return s.Format
	case s.ContentEncoding != "":
		return "text in " + s.ContentEncoding
	case s.Items != nil:
		return "list of " + describe(s.Items)
	case name == "":
		return "anything"
	}
	return name
}
