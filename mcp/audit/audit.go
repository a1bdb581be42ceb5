package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"sync"
	"time"
)

const MaxArguments = 16 << 10 // bytes of arguments kept in a record

// Record is one line of the audit file: a call and its outcome, or a refusal.
type Record struct {
	Time      time.Time       `json:"time"`
	Decision  string          `json:"decision"` // allowed, refused, flagged
	Layer     string          `json:"layer,omitempty"`
	Reason    string          `json:"reason,omitempty"`
	Server    string          `json:"server"`
	Version   string          `json:"version,omitempty"`
	Sandbox   string          `json:"sandbox"`
	Policy    string          `json:"policy"`
	Method    string          `json:"method"`
	Request   string          `json:"request,omitempty"`
	Tool      string          `json:"tool,omitempty"` // or the resource's URI, or the prompt's name
	Arguments json.RawMessage `json:"arguments,omitempty"`
	// the arguments were too long for a record
	Cut bool `json:"arguments_cut,omitempty"`

	// ok, error, timeout, limit, cancelled, server_ended, not_started, no_answer
	Outcome  string  `json:"outcome,omitempty"`
	Duration float64 `json:"duration,omitempty"` // seconds
	// seconds, of the whole server during the call
	CPUTime float64 `json:"cpu_time,omitempty"`
	// bytes, of the whole server during the call
	MemoryGrowth int64 `json:"memory_peak_growth,omitempty"`
	BytesIn      int   `json:"bytes_in,omitempty"`  // of the request; received from the host
	BytesOut     int   `json:"bytes_out,omitempty"` // of the answer; sent to the host
	Events       int64 `json:"events,omitempty"`
	// for the method "network": the host of a connection that has ended
	Host string `json:"host,omitempty"`
	Port int    `json:"port,omitempty"`
	// other calls were in flight, so CPU time, memory and events may belong to them
	Shared bool `json:"shared,omitempty"`
	// for the method "allowlist"
	Allowlist *Witness `json:"allowlist,omitempty"`
}

// Witness is the newest entry that an allowlist's store had when a proxy began to apply it. Whoever
// cuts entries off the store, or replaces them, does not change it here.
type Witness struct {
	Store string `json:"store"` // its absolute path
	Head  string `json:"head"`  // as `mcpbox allow verify` prints it: its number and its hash
}

// Witnesses returns the heads that an audit file has of a store, oldest first. Lines that are no
// records are skipped: a crash may have cut one.
func Witnesses(r io.Reader, store string) (heads []string, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var rec Record
		if !bytes.Contains(lines.Bytes(), []byte(MethodAllowlist)) ||
			json.Unmarshal(lines.Bytes(), &rec) != nil {
			continue
		}
		if w := rec.Allowlist; rec.Method == MethodAllowlist && w != nil && w.Store == store {
			heads = append(heads, w.Head)
		}
	}
	return heads, lines.Err()
}

// Log stores records. Several goroutines may call Append.
type Log interface{ Append(Record) error }

// MethodNetwork is the method of a record about a connection of the server. Such a record is not
// about a message.
const MethodNetwork = "network"

// MethodAllowlist is the method of a record about the allowlist that a proxy applies.
const MethodAllowlist = "allowlist"

// OfNoMessage: the record is about no message of the protocol.
func (r Record) OfNoMessage() bool {
	return r.Method == MethodNetwork || r.Method == MethodAllowlist
}

// jsonLines writes one JSON object a line, with one Write each.
type jsonLines struct {
	mu sync.Mutex
	w  io.Writer
}

// NewLog returns a Log that writes JSON lines.
func NewLog(w io.Writer) Log { return &jsonLines{w: w} }

func (a *jsonLines) Append(r Record) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(r); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	_, err := a.w.Write(b.Bytes())
	return err
}
