package learn

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/mcpbox/mcpbox/mcp/audit"
)

// maxLine is more than any record has: the proxy cuts arguments at 16 KiB.
const maxLine = 1 << 20

// Labelled is a record with a label.
type Labelled struct {
	audit.Record
	Label string `json:"label"` // benign or malicious
	line  int
}

// BadLine is a line that is not a record.
type BadLine struct {
	Line int
	Why  string
}

// ReadRecords reads the proxy's audit file. bad lists the lines that are not records, such as a
// last line that is half written.
func ReadRecords(r io.Reader) (records []audit.Record, bad []BadLine, err error) {
	all, bad, err := readLabelled(r)
	for i := range all {
		records = append(records, all[i].Record)
	}
	return records, bad, err
}

func readLabelled(r io.Reader) (out []Labelled, bad []BadLine, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	for n := 1; ; n++ {
		line, tooLong, err := readLine(in)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, nil, err
		}
		end := err != nil
		switch line = bytes.TrimSpace(line); {
		case tooLong:
			bad = append(bad, BadLine{n, "longer than 1 MiB"})
		case len(line) > 0:
			rec := Labelled{line: n}
			if err := json.Unmarshal(line, &rec); err != nil {
				bad = append(bad, BadLine{n, fmt.Sprintf("not a record: %v", err)})
			} else if rec.Method == "" {
				bad = append(bad, BadLine{n, "not a record: it has no method"})
			} else if !rec.OfNoMessage() { // package access has no rules for those
				out = append(out, rec)
			}
		}
		if end {
			return out, bad, nil
		}
	}
}

// readLine reads a line of any length and keeps at most maxLine bytes.
func readLine(in *bufio.Reader) (line []byte, tooLong bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(line)+len(part) <= maxLine {
			line = append(line, part...)
		} else {
			tooLong = true
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, tooLong, err
		}
	}
}
