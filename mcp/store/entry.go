package store

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/mcpbox/mcpbox/mcp/access"
)

// Author is the person who makes a change.
type Author struct {
	User string // the account
	As   string // the role that they claim; may be empty
}

// CurrentAuthor returns the account of this process as the author.
func CurrentAuthor(as string) Author {
	uid := os.Getuid()
	name := "uid " + strconv.Itoa(uid)
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		name = u.Username
	}
	return Author{User: name, As: as}
}

// Entry is one change in the log.
type Entry struct {
	Seq      int64           `json:"seq"` // 1, 2, 3 …
	Time     time.Time       `json:"time"`
	Operator string          `json:"operator"`
	As       string          `json:"as,omitempty"`
	Action   string          `json:"action"` // add, remove, import, rollback to 7, learn
	Changes  []access.Change `json:"changes"`
	Prev     string          `json:"prev"` // the hash of the previous entry; 64 zeros in the first entry
	Hash     string          `json:"hash"`
}

// row is an entry as stored. The hash covers these texts, not their decoded values.
type row struct {
	seq                                                int64
	time, operator, acting, action, changes, prev, sum string
}

// firstPrev is the previous hash in the first entry.
const firstPrev = "0000000000000000000000000000000000000000000000000000000000000000"

// hash covers the length and the text of each field, so that one text can't pass for two.
func (r *row) hash() string {
	h := sha256.New()
	for _, field := range []string{"mcpbox allow log 1", strconv.FormatInt(r.seq, 10), r.time,
		r.operator, r.acting, r.action, r.changes, r.prev} {
		writeField(h, field)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func writeField(h hash.Hash, field string) {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(field)))
	h.Write(length[:])
	h.Write([]byte(field))
}

func (r *row) entry() (Entry, error) {
	e := Entry{Seq: r.seq, Operator: r.operator, As: r.acting, Action: r.action, Prev: r.prev,
		Hash: r.sum}
	var err error
	if e.Time, err = time.Parse(time.RFC3339Nano, r.time); err != nil {
		return e, err
	}
	return e, json.Unmarshal([]byte(r.changes), &e.Changes)
}
