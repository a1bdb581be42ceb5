package intercept

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/mcpbox/mcpbox/egress/secret"
)

const hush = `s3cr3t/"+&<word>`

func hushMask() *mask {
	value, err := secret.Of("HUSH", hush).Read(context.Background())
	if err != nil {
		panic(err)
	}
	return newMask([]Secret{{Value: value, Placeholder: "PLACEHOLDER"}})
}

// pieces gives its parts one a read, and then waits until it is closed.
type pieces struct {
	parts [][]byte
	stop  chan struct{}
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.parts) == 0 {
		<-p.stop
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(b, p.parts[0])
	p.parts = p.parts[1:]
	return n, nil
}

func (p *pieces) Close() error { return nil }

func TestEachFormIsMasked(t *testing.T) {
	m := hushMask()
	quoted, err := json.Marshal(hush)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{hush, url.QueryEscape(hush), url.PathEscape(hush),
		html.EscapeString(hush), string(quoted[1 : len(quoted)-1]),
		strings.ReplaceAll(hush, `"`, `\"`), strings.ToLower(hush), strings.ToUpper(hush),
		strings.ReplaceAll(strings.ReplaceAll(hush, `"`, `\"`), "/", `\/`), // PHP
		"s3cr3t/&quot;+&amp;&lt;word&gt;", "s3cr3t/&#34;+&amp;&lt;word&gt;",
		"s3cr3t%2f%22%2b%26%3cword%3e",         // .NET
		url.QueryEscape(url.QueryEscape(hush)), // a URL in a URL
		`s3cr3t/\"+\u0026\u003Cword\u003E`,     // PHP's JSON_HEX_TAG
		`s3cr3t\/\"+\u0026\u003cword\u003e`,    // Go's, with an escaped slash
		fmt.Sprintf("%x", hush), fmt.Sprintf("%X", hush)} {
		text := "before " + form + " after " + form
		got, found := m.text(text)
		if !found || got != "before "+strings.Repeat("*", len(form))+" after "+
			strings.Repeat("*", len(form)) {
			t.Errorf("%q became %q", text, got)
		}
	}
	for _, around := range []string{"", "a", "ab", "user:", "user1:"} {
		for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			text := e.EncodeToString([]byte(around + hush + around))
			got, found := m.text(text)
			data, _ := e.DecodeString(strings.ReplaceAll(got, "*", "A"))
			if !found || len(got) != len(text) || bytes.Contains(data, []byte(hush[1:8])) {
				t.Errorf("%q became %q, %q", text, got, data)
			}
		}
	}
	if got, found := m.text("s3cr3t/ is not it"); found {
		t.Errorf("masked too much: %q", got)
	}
}

func TestASplitEchoIsMasked(t *testing.T) {
	m := hushMask()
	text := strings.Repeat("x", 40000) + hush + hush[:5] + hush + "!" + hush[:7]
	want := strings.ReplaceAll(text, hush, strings.Repeat("*", len(hush)))
	for name, source := range map[string]io.Reader{
		"one byte":  iotest.OneByteReader(strings.NewReader(text)),
		"half":      iotest.HalfReader(strings.NewReader(text)),
		"with EOF":  iotest.DataErrReader(strings.NewReader(text)),
		"as it can": strings.NewReader(text),
	} {
		told, ended := 0, 0
		r := &masked{ReadCloser: io.NopCloser(source), mask: m, tell: func() { told++ },
			ended: func() { ended++ }}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != want || told != 1 || ended != 1 {
			t.Errorf("%s: %d bytes, told %d, ended %d, %v", name, len(got), told, ended, err)
		}
	}
}

// A few bytes that may begin a secret are not held back for ever, and the rest is masked still.
func TestAFewBytesAreNotHeldBackForEver(t *testing.T) {
	p := &pieces{parts: [][]byte{[]byte("end" + hush[:few])}, stop: make(chan struct{})}
	r := &masked{ReadCloser: p, mask: hushMask(), tell: func() {}}
	buf := make([]byte, 100)
	var got []byte
	for len(got) < 3+few {
		n, err := r.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, buf[:n]...)
	}
	if string(got) != "end"+hush[:few] {
		t.Errorf("%q", got)
	}
	late := make(chan struct{})
	go func() {
		defer close(late)
		time.Sleep(patience)
		close(p.stop)
	}()
	_, err := r.Read(buf)
	<-late
	if err != io.ErrUnexpectedEOF {
		t.Errorf("%v", err)
	}
	q := &masked{ReadCloser: io.NopCloser(strings.NewReader(hush[few:] + "go on")),
		mask: hushMask(), tell: func() {}}
	q.buf, q.out, q.ready = []byte(hush[:few]), few, few // was released
	rest, err := io.ReadAll(q)
	if want := strings.Repeat("*", len(hush)-few) + "go on"; string(rest) != want || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}

// slow gives one byte at a time, each after more time than a byte is held back.
type slow struct{ text string }

func (s *slow) Read(b []byte) (int, error) {
	if s.text == "" {
		return 0, io.EOF
	}
	time.Sleep(patience + patience/4)
	n := copy(b[:1], s.text)
	s.text = s.text[n:]
	return n, nil
}

func TestASlowEchoIsMasked(t *testing.T) {
	told := 0
	r := &masked{ReadCloser: io.NopCloser(&slow{hush + "!"}), mask: hushMask(),
		tell: func() { told++ }}
	got, err := io.ReadAll(r)
	if want := hush[:few] + strings.Repeat("*", len(hush)-few) + "!"; err != nil || told != 1 ||
		string(got) != want {
		t.Errorf("%q, told %d times, %v", got, told, err)
	}
}

func TestCompressionIsUndone(t *testing.T) {
	text := strings.Repeat("hello ", 1000)
	pack := func(w func(io.Writer) io.WriteCloser) []byte {
		var b bytes.Buffer
		z := w(&b)
		_, _ = io.WriteString(z, text)
		_ = z.Close()
		return b.Bytes()
	}
	gz := pack(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	zl := pack(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	bare := pack(func(w io.Writer) io.WriteCloser { z, _ := flate.NewWriter(w, 5); return z })
	for name, c := range map[string]struct {
		encoding string
		body     []byte
		fails    bool
	}{
		"gzip":         {"gzip", gz, false},
		"x-gzip":       {"X-GZip", gz, false},
		"zlib":         {"deflate", zl, false},
		"bare deflate": {"deflate", bare, false},
		"none":         {"", []byte(text), false},
		"identity":     {"identity", []byte(text), false},
		"brotli":       {"br", gz, true},
		"two":          {"gzip, br", gz, true},
	} {
		r := &http.Response{Header: http.Header{"Content-Length": {"9"}},
			Body: io.NopCloser(bytes.NewReader(c.body)), Request: &http.Request{Method: "GET"},
			ContentLength: int64(len(c.body))}
		if c.encoding != "" {
			r.Header.Set("Content-Encoding", c.encoding)
		}
		err := decode(r)
		if c.fails {
			if err == nil {
				t.Errorf("%s passes", name)
			}
			continue
		}
		got, err2 := io.ReadAll(r.Body)
		if err != nil || err2 != nil || string(got) != text {
			t.Errorf("%s: %d bytes, %v, %v", name, len(got), err, err2)
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add([]byte("before " + hush + " after"))
	f.Add([]byte(url.QueryEscape(hush)))
	f.Fuzz(func(t *testing.T, text []byte) {
		m := hushMask()
		whole := bytes.Clone(text)
		m.cover(whole)
		r := &masked{ReadCloser: io.NopCloser(iotest.OneByteReader(bytes.NewReader(text))),
			mask: m, tell: func() {}}
		got, err := io.ReadAll(r)
		if err != nil || len(got) != len(text) || bytes.Contains(got, []byte(hush)) {
			t.Errorf("%q became %q: %v", text, got, err)
		}
	})
}

func TestAHeaderGetsThePlaceholder(t *testing.T) {
	m := hushMask()
	h := http.Header{"Location": {"https://a.test/?key=" + url.QueryEscape(hush) + "&b=1"},
		"X-Echo": {"Bearer " + hush, "none"}, "X-Html": {html.EscapeString(hush)}}
	if !m.header(h) {
		t.Error("nothing was found")
	}
	want := http.Header{"Location": {"https://a.test/?key=PLACEHOLDER&b=1"},
		"X-Echo": {"Bearer PLACEHOLDER", "none"},
		"X-Html": {strings.Repeat("*", len(html.EscapeString(hush)))}}
	if !reflect.DeepEqual(h, want) {
		t.Errorf("%v", h)
	}
	if m.header(want) {
		t.Error("what is masked is found again")
	}
}
