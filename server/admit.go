package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/mcpbox/mcpbox/server/internal/quota"
)

// What one client may have at a time: requests in progress, and bytes of bodies in memory.
var clientLimits = quota.Limits{Requests: 512, Bytes: 256 << 20, All: 512 << 20}

type shareKey struct{}

// admit counts each client's requests.
func (d *daemon) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		share, ok := d.quota.Enter(visibleName(r))
		if !ok {
			p := newProblem(http.StatusTooManyRequests, "wait for some of them",
				"the client has too many requests in progress")
			p.RetryAfter = 1
			d.problem(w, r, p)
			return
		}
		defer share.Leave()
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), shareKey{}, share)))
	})
}

// shareOf is the request's part of what its client may have.
func shareOf(r *http.Request) *quota.Share {
	share, _ := r.Context().Value(shareKey{}).(*quota.Share)
	return share
}

// A body has clientTime to arrive, and a second more for each slowestBytes.
const slowestBytes = 32 << 10

// clientTime is how long the daemon waits for a client to send, or to read. A test shortens it.
var clientTime = 30 * time.Second

// body reads a request's body: bounded in size, in time, and in what its client may have.
func (d *daemon) body(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	in := &bodyReader{r: http.MaxBytesReader(w, r.Body, most), share: shareOf(r),
		ctl: http.NewResponseController(w), began: time.Now()}
	data, err := io.ReadAll(in)
	_ = in.ctl.SetReadDeadline(time.Time{}) // the next read waits for the client to leave
	if errors.Is(err, os.ErrDeadlineExceeded) {
		w.Header().Set("Connection", "close")
	}
	if err != nil {
		return nil, bodyError(err)
	}
	return data, nil
}

type bodyReader struct {
	r     io.Reader
	share *quota.Share
	ctl   *http.ResponseController
	began time.Time
	n     int64
}

func (b *bodyReader) Read(p []byte) (int, error) {
	slowest := time.Duration(b.n/slowestBytes) * time.Second
	_ = b.ctl.SetReadDeadline(b.began.Add(clientTime + slowest))
	n, err := b.r.Read(p)
	b.n += int64(n)
	if n > 0 && !b.share.Take(int64(n)) {
		return 0, errTooMuch()
	}
	return n, err
}

func errTooMuch() error {
	p := newProblem(http.StatusTooManyRequests, "wait for some of them",
		"the client's requests have too large bodies together")
	p.RetryAfter = 1
	return p
}
