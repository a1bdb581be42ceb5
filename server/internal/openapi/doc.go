// Package openapi describes an HTTP API: as an OpenAPI 3.1 document, and as a page.
//
//	ops := []openapi.Operation{{Method: "GET", Path: "/v1/things/{id}", What: "one thing",
//		Out: Thing{}, Status: 200}}
//	doc, err := openapi.Document(ops, "things", openapi.Names{reflect.TypeFor[a.Rule](): "ARule"})
//	page, err := doc.Page("things")
//
// The schemas come from the Go types that a handler decodes and encodes. Package server takes both
// types from the handler's own signature, so that the document cannot differ from them.
//
// It protects nothing.
//
// Kernel: none. Sources: OpenAPI 3.1, JSON Schema 2020-12.
package openapi
