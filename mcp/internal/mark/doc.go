// Package mark rewrites the result of a tool so that its reader knows where it comes from.
//
//	from := mark.Provenance{Untrusted: true, Server: "notes", Tool: "read"}
//	m := mark.New(&policy.MCP.Output, from)
//	if m != nil && m.LabelsOnly() {
//		pieces = m.Label(message, result, meta)       // adds a _meta; every other byte stays
//	} else if m != nil {
//		result, withheld = m.Rebuild(result, output)  // texts are stripped, cut and wrapped too
//	}
//
// # What it does not protect
//
// A marked text is still text, and a model may believe it.
//
// Kernel: none of its own.
package mark
