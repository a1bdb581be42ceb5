package intercept

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// mask finds secrets in what comes back, in the forms in which hosts echo what they were sent. Its
// answer to each is as many stars: lengths stay what headers and frames say they are.
type mask struct {
	patterns [][]byte
	swaps    []string // forms in a URL, each followed by the placeholder
}

func newMask(secrets []Secret) *mask {
	m := &mask{}
	seen := map[string]bool{}
	for _, s := range secrets {
		v := s.Value.Reveal()
		m.swaps = append(m.swaps, v, s.Placeholder, url.QueryEscape(v), s.Placeholder)
		for _, form := range forms(v) {
			seen[form] = true
		}
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding,
			base64.RawURLEncoding} {
			for at := range 3 {
				seen[within64(encoding, v, at)] = true
			}
		}
	}
	for form := range seen {
		m.patterns = append(m.patterns, []byte(form))
	}
	// The longest first: it may have another one in it.
	slices.SortFunc(m.patterns, func(a, b []byte) int { return len(b) - len(a) })
	return m
}

// forms returns the spellings of a secret in which hosts echo it. Programs escape differently: .NET
// writes %2f, PHP writes \/, Python writes &#x27;.
func forms(v string) []string {
	query := url.QueryEscape(v)
	quoted, _ := json.Marshal(v) // of a string it does not fail
	inJSON := string(quoted[1 : len(quoted)-1])
	plain := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v)
	named := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'",
		"&#x27;").Replace(v)
	out := []string{v, strings.ToLower(v), strings.ToUpper(v), query, url.PathEscape(v),
		strings.ReplaceAll(query, "+", "%20"), url.QueryEscape(query), html.EscapeString(v), named,
		strings.ReplaceAll(named, "&#x27;", "&#039;"), strings.ReplaceAll(named, "&#x27;", "'"),
		inJSON, plain, strings.ReplaceAll(inJSON, "/", `\/`),
		strings.ReplaceAll(plain, "/", `\/`), hex.EncodeToString([]byte(v)),
		strings.ToUpper(hex.EncodeToString([]byte(v)))}
	for _, form := range out {
		out = append(out, escapes(form, strings.ToLower), escapes(form, strings.ToUpper))
	}
	return out
}

// escapes changes the case of the digits in %2F and \u002F.
func escapes(text string, change func(string) string) string {
	var b strings.Builder
	for len(text) > 0 {
		n, keep := 1, 1
		switch {
		case text[0] == '%' && len(text) >= 3:
			n = 3
		case strings.HasPrefix(text, `\u`) && len(text) >= 6:
			n, keep = 6, 2
		}
		b.WriteString(text[:keep])
		b.WriteString(change(text[keep:n]))
		text = text[n:]
	}
	return b.String()
}

// within64 is the part of a base64 text that tells of v alone, where v begins at a byte of the
// encoded text that is at from a multiple of three: user:SECRET is encoded as one.
func within64(e *base64.Encoding, v string, at int) string {
	text := e.EncodeToString(append(make([]byte, at), v...))
	first := (at*8 + 5) / 6
	last := (at + len(v)) * 8 / 6
	return text[first:last]
}

// cover masks what is wholly in data, in place.
func (m *mask) cover(data []byte) (found bool) {
	for _, p := range m.patterns {
		for rest := data; ; {
			i := bytes.Index(rest, p)
			if i < 0 {
				break
			}
			found = true
			for j := i; j < i+len(p); j++ {
				rest[j] = '*'
			}
			rest = rest[i+len(p):]
		}
	}
	return found
}

func (m *mask) longest() int {
	if len(m.patterns) == 0 {
		return 0
	}
	return len(m.patterns[0])
}

// begun is how many bytes at the end of data may be the beginning of a secret.
func (m *mask) begun(data []byte) (most int) {
	for _, p := range m.patterns {
		for n := min(len(p)-1, len(data)); n > most; n-- {
			if data[len(data)-n] == p[0] && bytes.HasPrefix(p, data[len(data)-n:]) {
				most = n
			}
		}
	}
	return most
}

// text masks a header's value.
func (m *mask) text(s string) (masked string, found bool) {
	data := []byte(s)
	if !m.cover(data) {
		return s, false
	}
	return string(data), true
}

// header masks all values of a header in place. The placeholder takes the place of a secret, so
// that a redirect to the same URL works.
func (m *mask) header(h http.Header) (found bool) {
	swap := strings.NewReplacer(m.swaps...)
	for name, values := range h {
		for i, v := range values {
			swapped := swap.Replace(v)
			masked, hit := m.text(swapped)
			values[i], found = masked, found || hit || swapped != v
		}
		if masked, hit := m.text(name); hit {
			delete(h, name)
			h[masked], found = values, true
		}
	}
	return found
}

// A few bytes that may begin a secret are held back for a moment only: they are rarely one, and a
// program may wait for them. More bytes are held back until it is clear what they are. So a host
// that sends a secret slowly gives away a few bytes of it at most.
const (
	patience = 100 * time.Millisecond
	few      = 4
)

// masked reads from a body, and tells once of a secret in it.
type masked struct {
	io.ReadCloser
	mask  *mask
	tell  func()
	ended func() // once, at the orderly end; may be nil

	buf     []byte // what was read last, the end of what is released, in front
	out     int    // of buf: where the reader is
	ready   int    // of buf: what may be released
	told    bool
	err     error
	pending chan piece // of a read that goes on
}

type piece struct {
	data []byte
	err  error
}

func (m *masked) Read(p []byte) (int, error) {
	for m.out == m.ready && m.err == nil {
		m.fill()
	}
	n := copy(p, m.buf[m.out:m.ready])
	m.out += n
	if n == 0 && m.out == m.ready {
		return 0, m.err
	}
	return n, nil
}

// fill reads once. While only a few bytes are held back, it does not wait for ever.
func (m *masked) fill() {
	held := len(m.buf) > m.ready
	if m.pending == nil {
		next := make([]byte, 32<<10)
		if !held {
			n, err := m.ReadCloser.Read(next)
			m.take(piece{next[:n], err})
			return
		}
		pending := make(chan piece, 1)
		m.pending = pending
		go func() {
			n, err := m.ReadCloser.Read(next)
			pending <- piece{next[:n], err}
		}()
	}
	if !held || m.mask.begun(m.buf) > few {
		m.take(<-m.pending)
		m.pending = nil
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case p := <-m.pending:
		m.pending = nil
		m.take(p)
	case <-timer.C:
		m.ready = len(m.buf)
	}
}

func (m *masked) take(p piece) {
	keep := max(m.out-m.mask.longest(), 0)
	m.buf = append(m.buf[:copy(m.buf, m.buf[keep:])], p.data...)
	m.out -= keep
	if m.mask.cover(m.buf) && !m.told {
		m.told = true
		m.tell()
	}
	m.ready, m.err = len(m.buf), p.err
	if m.err == nil {
		m.ready = max(m.ready-m.mask.begun(m.buf), m.out)
	}
	if m.err == io.EOF && m.ended != nil {
		m.ended()
	}
}
