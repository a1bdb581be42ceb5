// Package reference documents the policy file: one table of keys, from which the JSON Schema and
// docs/POLICY.md are made.
//
//	schema := reference.Schema()        // docs/policy-schema.json
//	page := reference.Markdown(intro)   // docs/POLICY.md
//
// A test fails if a key of policies.Policy is not in the table.
//
// Kernel: none.
package reference
