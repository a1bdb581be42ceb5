// Package audit writes one record for every call and every refusal.
//
//	log := audit.NewLog(file)
//	err := log.Append(audit.Record{Decision: "refused", Method: "tools/call", Tool: "write_note"})
//
// # What it does not protect
//
// A record says if its arguments were too long and were cut. The audit file can be changed later
// without a trace. Package store has a chain of entries that reveals changes.
//
// Kernel: none of its own.
package audit
