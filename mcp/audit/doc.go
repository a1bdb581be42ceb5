// Package audit writes one record for every call and every refusal.
//
//	log := audit.NewLog(file)
//	err := log.Append(audit.Record{Decision: "refused", Method: "tools/call", Tool: "write_note"})
//
// # What it does not protect
//
// A record of a long argument list says that it was cut. Nothing here keeps a file from being
// changed later: see package store for a chain of entries that shows it.
//
// Kernel: none of its own.
package audit
