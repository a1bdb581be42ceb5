package intercept

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

var errEncoded = errors.New("a compressed response that can't be looked through")

// modify masks a response before it is passed on.
func (i *Interceptor) modify(r *http.Response) error {
	if len(i.secrets) == 0 {
		return nil
	}
	t := termsOf(r.Request)
	if i.mask.header(r.Header) {
		t.echo("a header")
	}
	if status, hit := i.mask.text(r.Status); hit {
		r.Status = status
		t.echo("the status")
	}
	if r.StatusCode == http.StatusSwitchingProtocols {
		return i.switched(r, t)
	}
	if err := decode(r); err != nil {
		return err
	}
	r.Body = &masked{ReadCloser: r.Body, mask: i.mask,
		tell: func() { t.echo("the body") },
		ended: func() {
			if i.mask.header(r.Trailer) {
				t.echo("a trailer")
			}
		}}
	return nil
}

// switched masks what a WebSocket server sends. A mask is as long as what it covers, so frames stay
// frames.
func (i *Interceptor) switched(r *http.Response, t *Terms) error {
	both, ok := r.Body.(io.ReadWriteCloser)
	if !ok {
		return fmt.Errorf("switched to a %T", r.Body)
	}
	r.Body = &twoWay{masked: masked{ReadCloser: both, mask: i.mask,
		tell: func() { t.echo("a WebSocket message") }}, Writer: both}
	return nil
}

type twoWay struct {
	masked
	io.Writer
}

// decode undoes the compression that nobody asked for. The tool then gets the plain body.
func decode(r *http.Response) error {
	encodings := strings.Join(r.Header.Values("Content-Encoding"), ",")
	if encodings == "" || strings.EqualFold(encodings, "identity") || r.Body == http.NoBody ||
		r.Request.Method == http.MethodHead || r.ContentLength == 0 {
		return nil
	}
	body := &decoded{from: r.Body}
	switch strings.ToLower(strings.TrimSpace(encodings)) {
	case "gzip", "x-gzip":
		body.open = func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
	case "deflate":
		body.open = inflate
	default:
		return fmt.Errorf("%w: %s", errEncoded, encodings)
	}
	r.Body = body
	r.Header.Del("Content-Encoding")
	r.Header.Del("Content-Length")
	r.ContentLength = -1
	return nil
}

// inflate reads zlib, which the standard means, or bare deflate, which some servers send. RFC 9110
// 8.4.1.2
func inflate(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	head, err := b.Peek(2)
	if err == nil && head[0]&0x0f == 8 && (int(head[0])<<8|int(head[1]))%31 == 0 {
		return zlib.NewReader(b)
	}
	return flate.NewReader(b), nil
}

// decoded opens at the first read: that waits for the body.
type decoded struct {
	from io.ReadCloser
	open func(io.Reader) (io.Reader, error)
	to   io.Reader
}

func (d *decoded) Read(p []byte) (int, error) {
	if d.to == nil {
		to, err := d.open(d.from)
		if err != nil {
			return 0, err
		}
		d.to = to
	}
	return d.to.Read(p)
}

func (d *decoded) Close() error { return d.from.Close() }

// failed answers in the place of a host that can't be reached, or whose answer can't be passed on.
func (i *Interceptor) failed(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, errEncoded) {
		t := termsOf(r)
		t.Report(Finding{Kind: KindHTTP, Action: "refused",
			Reason: t.host() + " sent " + err.Error(),
			Hint:   "it was asked for an uncompressed one"})
	} else if r.Context().Err() == nil { // else the tool has gone away
		if text, hit := i.mask.text(err.Error()); hit { // it quotes what the host sent
			err = errors.New(text)
		}
		termsOf(r).Failed(err)
	}
	http.Error(w, "mcpbox: "+r.Host+" can't be reached, or its response can't be passed on",
		http.StatusBadGateway)
}
