package server

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/server/api"
)

// maxBody bounds a request's body.
const maxBody = 24 << 20

// decode reads a JSON body, which must be there, and be all of it.
func (d *daemon) decode(w http.ResponseWriter, r *http.Request, into any) ([]byte, error) {
	data, err := d.body(w, r, maxBody)
	if err != nil {
		return nil, err
	}
	return data, unmarshal(data, into)
}

// unmarshal refuses what it does not know: a misspelt limit must not be no limit.
func unmarshal(data []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return bodyError(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return newProblem(http.StatusBadRequest, "send one JSON object",
			"there is more after the JSON object")
	}
	return nil
}

func bodyError(err error) error {
	var large *http.MaxBytesError
	var p *api.Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &large):
		return newProblem(http.StatusRequestEntityTooLarge,
			"send less: a body may have "+strconv.Itoa(maxBody>>20)+" MiB", "the body is too large")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return newProblem(http.StatusRequestTimeout, "send it faster", "the body came too slowly")
	case errors.Is(err, io.EOF):
		return newProblem(http.StatusBadRequest, "send a JSON object; docs/API.md has examples",
			"the body is empty")
	}
	return newProblem(
		http.StatusBadRequest,
		"docs/API.md has examples",
		"the body is not what is expected: "+
			strings.TrimPrefix(err.Error(), "json: "),
	)
}

// answer writes a JSON object.
func answer(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	body = append(body, '\n')
	w.Header().Set("Content-Type", "application/json")
	send(w, status, body)
}

// send writes an answer. A client that does not read it, or has gone, loses its connection.
func send(w http.ResponseWriter, status int, body []byte) {
	const atOnce = 64 << 10 // fits the socket's buffer, so that writing it does not wait
	if len(body) > atOnce {
		slowest := time.Duration(len(body)/slowestBytes) * time.Second
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(clientTime + slowest))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// newID is 16 random letters and digits, with a prefix that says of what.
func newID(prefix string) string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand
	return prefix + hex.EncodeToString(b[:])
}

// number reads a query parameter.
func number(r *http.Request, name string, otherwise, most int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, newProblem(http.StatusBadRequest, "give a whole number",
			"?"+name+"= is no number")
	}
	return min(n, most), nil
}

// checkText refuses what no argument, variable or path can have.
func checkText(what string, texts ...string) *api.Problem {
	for _, t := range texts {
		if strings.ContainsRune(t, 0) {
			return newProblem(http.StatusUnprocessableEntity, "leave it out",
				what+" has a NUL character")
		}
	}
	return nil
}
