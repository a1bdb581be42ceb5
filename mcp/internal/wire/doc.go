// Package wire reads and writes the messages of MCP's stdio transport: JSON-RPC 2.0, one message a
// line. It decodes nothing that no rule asks for: a Scanner checks that a message is JSON as its
// bytes arrive, and an Envelope notes where the few members are that matter.
//
//	r := wire.NewMessageReader(stdin, limit, func(*wire.Envelope) bool { return true })
//	m, err := r.Next()              // m.Err: not JSON; m.TooLong: above the limit
//	if m.Env.Method() == "tools/call" {
//		arguments := m.Env.Raw(m.Data, wire.FieldArguments)
//	}
//
// A message passes on byte for byte unless somebody rewrites it: offsets, not decoded values, are
// what the envelope holds.
//
// # What it does not protect
//
// JSON has more than one reading: a member may be there twice, or under a name that some reader
// takes for another (Canonical). The scanner
// refuses the first for members that matter, and only reports the second (Envelope.Collisions).
//
// Sources: RFC 8259 (JSON), the JSON-RPC 2.0 specification, and the transports chapter of the MCP
// specification. Kernel: none of its own.
package wire
