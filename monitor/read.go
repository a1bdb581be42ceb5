package monitor

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Reader reads an event log line by line. It counts and skips lines that are not events, such as
// one that a full disk cut off.
type Reader struct {
	r       *bufio.Reader
	partial []byte
	skip    bool // inside a line that is too long
	Bad     int
}

// NewReader reads JSON lines from r.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, MaxLine)} }

// Next returns the next event, or io.EOF if there is none yet. Call it again after more has been
// written.
func (r *Reader) Next() (Event, error) {
	for {
		part, err := r.r.ReadSlice('\n')
		if !r.skip {
			r.partial = append(r.partial, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			r.skip = r.skip || len(r.partial) > MaxLine
			continue
		case err != nil:
			return Event{}, err
		}
		line, skipped := r.partial, r.skip
		r.partial, r.skip = r.partial[:0], false
		if len(bytes.TrimSpace(line)) == 0 && !skipped {
			continue
		}
		var e Event
		if skipped || json.Unmarshal(line, &e) != nil || !e.Type.Valid() {
			r.Bad++
			continue
		}
		return Bound(e), nil // others may have written this file
	}
}

// ReadEvents reads a whole log and keeps the last line of each id, in the order of their first
// lines.
func ReadEvents(r io.Reader) (events []Event, bad int, err error) {
	in, at := NewReader(r), map[string]int{}
	for {
		e, err := in.Next()
		if err == io.EOF {
			if len(bytes.TrimSpace(in.partial)) > 0 || in.skip {
				in.Bad++
			}
			return events, in.Bad, nil
		}
		if err != nil {
			return events, in.Bad, fmt.Errorf("read events: %w", err)
		}
		if i, ok := at[e.ID]; ok && e.ID != "" {
			events[i] = e
			continue
		}
		at[e.ID] = len(events)
		events = append(events, e)
	}
}
