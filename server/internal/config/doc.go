// Package config reads the configuration file of `mcpbox serve`.
//
//	cfg, err := config.Load("/etc/mcpbox/serve.yaml") // "" is the default configuration
//	policy, err := cfg.Policy("notes")                // of the file, or a preset
//
// One YAML document. Unknown keys and wrong types are errors with line and column. Paths are
// relative to the file. docs/API.md describes the keys.
//
// Everything in it is the operator's word: policies named here may mount host folders for every
// client.
//
// Kernel: none.
package config
