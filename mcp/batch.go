package mcp

import (
	"bytes"
)

// Batches are arrays of messages (protocol 2025-03-26 only). Each element is decided about by itself; if none changes, the
// batch passes byte for byte.

// elements cuts an array, which is known to be JSON, into its elements.
func elements(data []byte) [][]byte {
	start := bytes.IndexByte(data, '[')
	if start < 0 {
		return nil
	}
	var out [][]byte
	walk(data, start, func(_ []byte, from, to int) { out = append(out, data[from:to]) })
	return out
}

func (s *session) upBatch(l *link, m message) error {
	var kept [][]byte
	all := elements(m.data)
	for _, element := range all {
		var scan scanner
		scan.feed(element)
		if scan.err != nil { // JSON, but a member is there twice
			return s.notJSON(l, message{data: m.data})
		}
		if pass := s.fromClient(l, element, &scan.env); pass != nil {
			kept = append(kept, pass)
		}
	}
	switch len(kept) {
	case len(all):
		return l.in.send(m.data)
	case 0:
		return nil
	}
	return l.in.send(batch(kept))
}

func (l *link) downBatch(m message) error {
	var kept [][]byte
	all, changed := elements(m.data), false
	for _, element := range all {
		var scan scanner
		scan.feed(element)
		if scan.err != nil || scan.env.kind != '{' {
			l.suspicious("junk", "wrote a batch with something in it that is no message", element)
			changed = true
			continue
		}
		pass := l.fromServer(element, &scan.env)
		changed = changed || len(pass) != 1 || len(pass[0]) != len(element) || &pass[0][0] != &element[0]
		if pass != nil {
			kept = append(kept, bytes.TrimSpace(bytes.Join(pass, nil)))
		}
	}
	switch {
	case !changed:
		return l.s.client.send(m.data)
	case len(kept) == 0:
		return nil
	}
	return l.s.client.send(batch(kept))
}

func batch(elements [][]byte) []byte {
	out := append([]byte{'['}, bytes.Join(elements, []byte(","))...)
	return append(out, ']', '\n')
}
