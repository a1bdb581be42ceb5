// Package yaml reads policy files: YAML or JSON, decoded onto Go values that may hold an inherited
// policy already. It knows where each value is, so every problem has a line and a column.
//
//	doc, problem := yaml.Parse(data, "notes.yaml")
//	index := map[string]yaml.Position{}
//	problems := doc.Decode(&policy, types, index) // scalars are set, mappings merged, lists grow
//
// Unknown keys and wrong types are problems. Anchors, aliases, tags and merge keys are not
// supported.
//
// # What it does not protect
//
// It checks the form. What values mean together is checked by package policies.
//
// Kernel: none. It is the only importer of goccy/go-yaml.
package yaml
