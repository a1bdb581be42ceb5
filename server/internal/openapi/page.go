package openapi

import (
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"

	_ "embed"

	"github.com/google/jsonschema-go/jsonschema"
)

//go:embed page.css
var pageStyle string

// Page shows the document. It needs no script and nothing from elsewhere.
func (doc *Doc) Page() string {
	var b strings.Builder
	title := html.EscapeString(doc.Info["title"])
	b.WriteString("<!doctype html>\n<html lang=en><meta charset=utf-8><title>" + title +
		"</title>\n<meta name=viewport content='width=device-width'><style>" + pageStyle +
		"</style>\n<h1>" + title + ": HTTP API</h1>\n<p>Made from " +
		"<a href=openapi.json>openapi.json</a>. docs/API.md shows each call with curl.</p>\n")
	for _, op := range doc.operations {
		doc.writeOperation(&b, op)
	}
	b.WriteString("<h2>Types</h2>\n")
	for _, name := range slices.Sorted(maps.Keys(doc.Components.Schemas)) {
		writeType(&b, name, doc.Components.Schemas[name])
	}
	return b.String()
}

func (doc *Doc) writeOperation(b *strings.Builder, op Operation) {
	fmt.Fprintf(b, "<section><h3><b>%s</b> <code>%s</code></h3><p>%s</p>\n",
		op.Method, html.EscapeString(op.Path), html.EscapeString(op.What))
	if len(op.Query) > 0 {
		fmt.Fprintf(b, "<p>Query: <code>%s</code></p>\n",
			strings.Join(op.Query, "</code>, <code>"))
	}
	if op.Once {
		b.WriteString("<p>Header: <code>Idempotency-Key</code></p>\n")
	}
	if op.In != nil {
		fmt.Fprintf(b, "<p>Body: %s</p>\n", typeLink(doc.name(op.In)))
	}
	out := "no JSON"
	if op.Out != nil {
		out = typeLink(doc.name(op.Out))
	}
	fmt.Fprintf(b, "<p>Answer: %d, %s</p></section>\n", op.Status, out)
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
