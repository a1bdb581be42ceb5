package api

import (
	"unicode/utf8"

	"github.com/mcpbox/mcpbox/monitor"
)

// Kinds of messages.
const (
	KindStarted = "started" // ← Execution or Process
	KindStdout  = "stdout"  // ←
	KindStderr  = "stderr"  // ←
	KindEvent   = "event"   // ←
	KindResult  = "result"  // ← the last one
	KindError   = "error"   // ← the last one, in place of a result
	KindStdin   = "stdin"   // →
	KindEOF     = "eof"     // → the end of stdin
	KindSignal  = "signal"  // →
	KindResize  = "resize"  // → Rows and Cols of the terminal
)

// Message is one line of a stream. ← comes from the daemon, → goes to it.
type Message struct {
	Kind      string         `json:"kind"`
	Text      string         `json:"text,omitempty"` // of stdin, stdout, stderr; what is not UTF-8 is in
	Data      []byte         `json:"data,omitempty"` // this, in base64
	Signal    string         `json:"signal,omitempty"`
	Rows      uint16         `json:"rows,omitempty"`
	Cols      uint16         `json:"cols,omitempty"`
	Event     *monitor.Event `json:"event,omitempty"`
	Execution *Execution     `json:"execution,omitempty"`
	Result    *Result        `json:"result,omitempty"`
	Problem   *Problem       `json:"problem,omitempty"`
}

// StreamType is the content type of messages: one JSON object a line.
const StreamType = "application/x-ndjson"

// Chunk makes a message of output or input.
func Chunk(kind string, p []byte) Message {
	if utf8.Valid(p) {
		return Message{Kind: kind, Text: string(p)}
	}
	return Message{Kind: kind, Data: p}
}

// Bytes is what a chunk carries.
func (m Message) Bytes() []byte {
	if m.Data != nil {
		return m.Data
	}
	return []byte(m.Text)
}
