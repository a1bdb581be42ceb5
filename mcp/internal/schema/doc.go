// Package schema compiles JSON Schemas and validates values with them.
//
//	s, err := schema.Compile(raw)            // an operator's
//	s, err = schema.CompileUntrusted(raw)    // a server's: its cost is bounded
//	err = s.Validate(map[string]any{"name": "a"})
//
// # What it does not protect
//
// The bound on a server's schema counts steps of validation, not time. The operator's own schemas
// are only checked for endless references.
//
// Kernel: none of its own. The language is JSON Schema draft 2020-12 and draft 7.
package schema
