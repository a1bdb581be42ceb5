package proxy

import (
	"bytes"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// treatment is what the proxy does with a text from the server, if the policy's output section
// requires it.
type treatment uint8

const (
	// stripped: without escape sequences, invisible characters and the tags that mark results
	// (mark: wrap, or strip: true).
	stripped treatment = iota
	// marked: stripped, cut, wrapped, and labelled with where it comes from.
	marked
)

// text is a place in the protocol where a text from the server may reach a model.
type text struct {
	method    string // of the answered request, or of the server's own message
	where     string
	treatment treatment
	pinned    bool // a change after the approval is reported, or refused
}

// texts lists all these places. Texts of other methods are stripped as well. Only results of tools
// are wrapped. A client shows the other texts to a person, parses them, or passes them to the model
// separately.
var texts = []text{
	{"tools/call", "result: content, structuredContent; error", marked, false},
	{"tasks/result", "the same, of a task", marked, false},
	{"initialize", "result: instructions, serverInfo", stripped, true},
	{"server/discover", "result: instructions, serverInfo", stripped, true},
	{"tools/list", "result: names, titles, descriptions, schemas, annotations", stripped, true},
	{"resources/list", "result: names, titles, descriptions", stripped, false},
	{"resources/templates/list", "result: names, titles, descriptions", stripped, false},
	{"resources/read", "result: texts", stripped, false},
	{"prompts/list", "result: names, titles, descriptions, arguments", stripped, false},
	{"prompts/get", "result: description, messages", stripped, false},
	{"completion/complete", "result: values", stripped, false},
	{"tasks/get", "result: statusMessage", stripped, false},
	{"tasks/list", "result: statusMessage", stripped, false},
	{"sampling/createMessage", "params: systemPrompt, messages", stripped, false},
	{"elicitation/create", "params: message, requestedSchema", stripped, false},
	{"notifications/message", "params: data, logger", stripped, false},
	{"notifications/progress", "params: message", stripped, false},
	{"notifications/tasks/status", "params: statusMessage", stripped, false},
	{"notifications/cancelled", "params: reason", stripped, false},
}

func treatmentOf(method string) treatment {
	for i := range texts {
		if texts[i].method == method {
			return texts[i].treatment
		}
	}
	return stripped
}

// strip strips the texts in a message from the server, if the policy requires it. A message with
// nothing to strip stays the same, byte for byte.
func (conn *serverConn) strip(pieces [][]byte) [][]byte {
	m := conn.s.stripper
	if m == nil || pieces == nil {
		return pieces
	}
	data := pieces[0]
	if len(pieces) > 1 {
		data = bytes.Join(pieces, nil)
	}
	e, err := wire.Scan(data)
	if err != nil {
		return pieces // the proxy wrote it
	}
	var out [][]byte
	done := 0
	for _, f := range e.InOrder(wire.FieldParams, wire.FieldResult, wire.FieldError) {
		v := e.At(f)
		value := data[v.Start:v.End]
		if clean := m.Clean(value); !bytes.Equal(clean, value) {
			out = append(out, data[done:v.Start], clean)
			done = v.End
		}
	}
	if out == nil {
		return pieces
	}
	return append(out, data[done:])
}
