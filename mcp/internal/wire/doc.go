// Package wire reads and writes the messages of MCP's stdio transport: JSON-RPC 2.0, one message a
// line. A Scanner checks, as the bytes arrive, that a message is JSON. An Envelope records the
// offsets of the few members that rules look at. Nothing else is decoded.
//
//	r := wire.NewMessageReader(stdin, limit, func(*wire.Envelope) bool { return true })
//	m, err := r.Next()              // m.Err: not JSON; m.TooLong: above the limit
//	if m.Env.Method() == "tools/call" {
//		arguments := m.Env.Raw(m.Data, wire.FieldArguments)
//	}
//
// A message passes byte for byte unless somebody rewrites it, because the envelope holds offsets
// and not decoded values.
//
// # What it does not protect
//
// JSON has more than one reading: a member may occur twice, or under a name that some reader takes
// for another (Canonical). The scanner refuses duplicates of members that matter. It only reports
// similar names (Envelope.Collisions).
//
// Sources: RFC 8259 (JSON), the JSON-RPC 2.0 specification, and the transports chapter of the MCP
// specification. Kernel: none of its own.
package wire
