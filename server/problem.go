package server

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/pool"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/internal/state"
)

// problem answers with a problem.
func (d *daemon) problem(w http.ResponseWriter, r *http.Request, p *api.Problem) {
	d.counts.refuse(p.Status)
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	w.Header().Set("Content-Type", api.ProblemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // who has gone does not read it
}

func (d *daemon) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := d.problemOf(err)
	if p.Status == http.StatusInternalServerError {
		d.log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	d.problem(w, r, p)
}

// newProblem is an error that says how it is to be answered.
func newProblem(status int, remedy, detail string) *api.Problem {
	return &api.Problem{
		Title:  http.StatusText(status),
		Status: status,
		Detail: detail,
		Remedy: remedy,
	}
}

func bad(err error) *api.Problem {
	return newProblem(http.StatusUnprocessableEntity, hint.Of(err), err.Error())
}

// problemOf finds the status that belongs to an error.
func (d *daemon) problemOf(err error) *api.Problem {
	var p *api.Problem
	var busy *pool.BusyError
	var setup *mcpruntime.SetupError
	remedy := hint.Of(err)
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &busy):
		p = newProblem(http.StatusTooManyRequests, "try again later", busy.Error())
		p.RetryAfter = max(1, int(math.Ceil(busy.RetryAfter.Seconds())))
		return p
	case errors.Is(err, errShutdown), errors.Is(err, pool.ErrClosed):
		return unavailable()
	case errors.Is(err, state.ErrNotFound):
		return newProblem(http.StatusNotFound, "",
			"there is no such thing, or it is another client's")
	case errors.Is(err, mcpruntime.ErrNotFound), errors.Is(err, mcpruntime.ErrNotExecutable):
		return newProblem(http.StatusUnprocessableEntity, remedy, err.Error())
	case errors.As(err, &setup) && commandsFault(setup):
		return newProblem(http.StatusUnprocessableEntity, remedy, err.Error())
	case errors.Is(err, context.Canceled):
		return newProblem(http.StatusConflict, "", "canceled before it started")
	case errors.Is(err, context.DeadlineExceeded):
		return newProblem(http.StatusConflict, "give it more time: timeout",
			"its time was over before it started")
	case errors.Is(err, mcpruntime.ErrPaused):
		return newProblem(http.StatusConflict, "POST /v1/sandboxes/{id}/resume", err.Error())
	case errors.Is(err, mcpruntime.ErrClosed):
		return newProblem(http.StatusConflict, "create another one", err.Error())
	case errors.As(err, &setup), errors.Is(err, mcpruntime.ErrLayer):
		return newProblem(http.StatusServiceUnavailable, remedy, err.Error())
	case state.IsFull(err):
		return newProblem(http.StatusInsufficientStorage,
			"the operator makes room, or keeps less: retention in the config",
			"the disk of the daemon's state is full")
	case remedy != "": // there is something that the client can do about it
		return bad(err)
	}
	return newProblem(http.StatusInternalServerError, "", err.Error())
}

// commandsFault tells a step that failed for what the client asked from one that the host could not
// take.
func commandsFault(e *mcpruntime.SetupError) bool {
	switch e.Step {
	case "rootfs": // where files are put
		for _, errno := range []unix.Errno{unix.EISDIR, unix.ENOTDIR, unix.EEXIST, unix.EINVAL,
			unix.ENAMETOOLONG, unix.ENOSPC} {
			if errors.Is(e.Err, errno) {
				return true
			}
		}
	case "working directory", "command lookup", "execve", "mount", "storage", "call":
		return true
	}
	return false
}

func unavailable() *api.Problem {
	p := newProblem(http.StatusServiceUnavailable, "try again when it has restarted",
		errShutdown.Error())
	p.RetryAfter = 5
	return p
}
