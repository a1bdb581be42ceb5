package server

import (
	"net/http"

	"github.com/mcpbox/mcpbox/server/internal/openapi"
)

// route is one operation, for the mux and for the OpenAPI document.
type route struct {
	openapi.Operation
	handle http.HandlerFunc
}

// gives makes a route of a function that takes no body and returns what is answered. The document
// has the function's own type.
func gives[Out any](d *daemon, method, path, what string, f func(*http.Request) (Out, error),
	query ...string) route {
	return route{openapi.Operation{Method: method, Path: path, What: what, Out: *new(Out),
		Status: http.StatusOK, Query: query},
		func(w http.ResponseWriter, r *http.Request) {
			out, err := f(r)
			if err != nil {
				d.fail(w, r, err)
				return
			}
			answer(w, http.StatusOK, out)
		}}
}

// takes makes a route of a function that takes a JSON body, too.
func takes[In, Out any](d *daemon, method, path, what string,
	f func(*http.Request, In) (Out, error)) route {
	return taking(d, method, path, what, http.StatusOK, f)
}

// creates makes a route of a function that takes a JSON body and makes something: the status is
// 201, and a request with an Idempotency-Key does it once.
func creates[In, Out any](d *daemon, path, what string,
	f func(*http.Request, In) (Out, error)) route {
	out := taking(d, http.MethodPost, path, what, http.StatusCreated, f)
	out.Once, out.handle = true, d.once(out.handle)
	return out
}

// located is something that has an address.
type located interface{ Location() string }

func taking[In, Out any](d *daemon, method, path, what string, status int,
	f func(*http.Request, In) (Out, error)) route {
	return route{openapi.Operation{Method: method, Path: path, What: what, In: *new(In),
		Out: *new(Out), Status: status},
		func(w http.ResponseWriter, r *http.Request) {
			var in In
			_, err := d.decode(w, r, &in)
			var out Out
			if err == nil {
				out, err = f(r, in)
			}
			if err != nil {
				d.fail(w, r, err)
				return
			}
			if at, ok := any(out).(located); ok {
				w.Header().Set("Location", at.Location())
			}
			answer(w, status, out)
		}}
}

// plain is a route whose handler reads and writes by itself. in and out are values of what it reads
// and writes as JSON, or nil.
func plain(method, path, what string, in, out any, status int, handle http.HandlerFunc,
	query ...string) route {
	return route{openapi.Operation{Method: method, Path: path, What: what, In: in, Out: out,
		Status: status, Query: query}, handle}
}
