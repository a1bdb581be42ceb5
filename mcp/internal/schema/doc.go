// Package schema compiles JSON Schemas and validates values with them.
//
//	s, err := schema.Compile(raw)            // an operator's
//	s, err = schema.CompileUntrusted(raw)    // a server's: what it may cost is bounded
//	err = s.Validate(map[string]any{"name": "a"})
//
// # What it does not protect
//
// The bound on a server's schema counts schemas looked at, not time. The operator's own schemas
// have no bound beside the one against endless references.
//
// Kernel: none of its own. The language is JSON Schema draft 2020-12 and draft 7.
package schema
