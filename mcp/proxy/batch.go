package proxy

import (
	"bytes"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// Batches are arrays of messages (protocol 2025-03-26 only). The rules apply to each element by
// itself. If none changes, the batch passes byte for byte.

// elements returns the elements of the array that begins at data[at]. The array must be valid JSON.
func elements(data []byte, at int) (out [][]byte) {
	wire.Walk(data, at, func(_ []byte, from, to int) { out = append(out, data[from:to]) })
	return out
}

func (s *session) clientBatch(conn *serverConn, m wire.Message) error {
	var kept [][]byte
	all := elements(m.Data, m.Env.Start)
	for _, element := range all {
		env, err := wire.Scan(element)
		if err != nil { // JSON, but with a duplicate member
			return s.notJSON(conn, wire.Message{Data: m.Data})
		}
		if pass := s.fromClient(conn, element, env); pass != nil {
			kept = append(kept, pass)
		}
	}
	switch len(kept) {
	case len(all):
		return conn.in.Send(m.Data)
	case 0:
		return nil
	}
	return conn.in.Send(batch(kept))
}

func (conn *serverConn) serverBatch(m wire.Message) error {
	var kept [][]byte
	all, changed := elements(m.Data, m.Env.Start), false
	for _, element := range all {
		env, err := wire.Scan(element)
		if err != nil || env.Kind != '{' {
			conn.reportDropped("malformed", "wrote a batch with an invalid element", element)
			changed = true
			continue
		}
		pass := conn.fromServer(element, env)
		changed = changed || len(pass) != 1 || len(pass[0]) != len(element) ||
			&pass[0][0] != &element[0]
		if pass != nil {
			kept = append(kept, bytes.TrimSpace(bytes.Join(pass, nil)))
		}
	}
	switch {
	case !changed:
		return conn.s.client.Send(m.Data)
	case len(kept) == 0:
		return nil
	}
	return conn.s.client.Send(batch(kept))
}

func batch(elements [][]byte) []byte {
	out := append([]byte{'['}, bytes.Join(elements, []byte(","))...)
	return append(out, ']', '\n')
}
