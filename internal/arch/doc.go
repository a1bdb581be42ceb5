// Package arch holds tests of the repository itself: import rules (data flows one way; each kernel
// library has one importer), documents, and lines. It has no code.
package arch
