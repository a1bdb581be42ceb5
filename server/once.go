package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/mcpbox/mcpbox/server/internal/state"
)

// onceHeader is what a client sends so that a request is done once, however often it arrives.
const onceHeader = "Idempotency-Key"

// withKey says that the handler itself keeps requests with a key.
func (r route) withKey() route {
	r.Once = true
	return r
}

// onceOnly has requests with a key done once.
func (r route) onceOnly(d *daemon) route {
	r.Once, r.handle = true, d.once(r.handle)
	return r
}

// onceKey is the request's key, or "".
func onceKey(r *http.Request) (string, error) {
	const longest = 128
	key := r.Header.Get(onceHeader)
	if len(key) > longest {
		return "", newProblem(http.StatusBadRequest, "give at most 128 bytes",
			onceHeader+" is too long")
	}
	return key, nil
}

// digest is what two requests with the same key must have in common.
func digest(r *http.Request, body []byte) string {
	h := sha256.New()
	_, _ = io.WriteString(h, r.Method+" "+r.URL.Path+"\n") // never fails
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// once does a request with a key once, and answers the next ones as it was answered. Keys are the
// client's own: nobody gets another's answer.
func (d *daemon) once(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, err := onceKey(r)
		if err == nil && key == "" {
			next(w, r)
			return
		}
		var body []byte
		if err == nil {
			body, err = d.body(w, r, maxBody)
		}
		if err != nil {
			d.fail(w, r, err)
			return
		}
		claim := state.Request{Client: visibleName(r), Key: key, Digest: digest(r, body),
			Created: time.Now()}
		before, err := d.db.Claim(claim)
		switch {
		case errors.Is(err, state.ErrOnce) && before.Digest != claim.Digest:
			err = errOtherRequest()
		case errors.Is(err, state.ErrOnce) && before.Status == 0:
			p := newProblem(http.StatusConflict, "ask again when it has been answered",
				"a request with this idempotency key is in progress")
			p.RetryAfter, err = 1, p
		case errors.Is(err, state.ErrOnce):
			w.Header().Set("Content-Type", before.Type)
			w.WriteHeader(before.Status)
			_, _ = w.Write(before.Body) // who has gone does not read it
			return
		}
		if err != nil {
			d.fail(w, r, err)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		keep := &keeper{ResponseWriter: w}
		defer func() {
			if !keep.settle(d, claim, r.Context().Err() != nil) {
				d.log.Error("an idempotency key could not be settled", "client", claim.Client)
			}
		}()
		next(keep, r) // http.ErrAbortHandler frees the key
	}
}

func errOtherRequest() error {
	return newProblem(http.StatusUnprocessableEntity, "use a new key for a new request",
		"the idempotency key came with another request before")
}

// forATime reports whether a request with such an answer may be tried again.
func forATime(status int) bool {
	return status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}

// keeper notes an answer before it is sent.
type keeper struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// Unwrap is for http.ResponseController.
func (k *keeper) Unwrap() http.ResponseWriter { return k.ResponseWriter }

func (k *keeper) WriteHeader(status int) { k.status = status }

func (k *keeper) Write(p []byte) (int, error) {
	if k.status == 0 {
		k.status = http.StatusOK
	}
	return k.body.Write(p)
}

// settle keeps the answer, and sends it. What was refused for a time, or failed, may be tried
// again: the key is free then.
func (k *keeper) settle(d *daemon, claim state.Request, gone bool) bool {
	claim.Status, claim.Type, claim.Body = k.status, k.Header().Get("Content-Type"), k.body.Bytes()
	var err error
	if k.status == 0 || forATime(k.status) || gone && k.status >= http.StatusBadRequest {
		err = d.db.Unclaim(claim)
	} else {
		err = d.db.Settle(claim)
	}
	if k.status != 0 {
		k.ResponseWriter.WriteHeader(k.status)
		_, _ = k.ResponseWriter.Write(k.body.Bytes()) // who has gone does not read it
	}
	return err == nil
}
