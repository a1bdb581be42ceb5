package monitor

import (
	"bytes"
	"encoding/json"
	"io"
	"os"

	"github.com/mcpbox/mcpbox/internal/logfile"
)

type jsonl struct {
	name string
	w    io.WriteCloser
	torn bool // the last line was cut off: begin with a newline, so that only this line is lost
}

// NewJSONL writes one JSON object per line, each with one Write.
func NewJSONL(w io.WriteCloser) Sink { return &jsonl{name: "events", w: w} }

// OpenJSONL appends to a file, which it makes readable by its owner only. It follows no symbolic
// link. It opens a FIFO only if it has a reader.
func OpenJSONL(path string) (Sink, error) {
	f, err := logfile.Open("events file", path, os.O_APPEND)
	if err != nil {
		return nil, err
	}
	return &jsonl{name: "events file " + path, w: f}, nil
}

func (j *jsonl) String() string { return j.name }

func (j *jsonl) Emit(e Event) error {
	line, err := e.Line()
	if err != nil {
		return err
	}
	if j.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := j.w.Write(line)
	if n > 0 {
		j.torn = n < len(line)
	}
	return err
}

func (j *jsonl) Close() error { return j.w.Close() }

// Line returns the event as one JSON object and a newline, at most MaxLine bytes.
func (e Event) Line() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	// an escaped "<" needs six bytes, which would raise the bound; this is not HTML
	enc.SetEscapeHTML(false)
	err := enc.Encode(Bound(e))
	return b.Bytes(), err
}
