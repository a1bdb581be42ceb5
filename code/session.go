package code

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/pool"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

// SessionLanguages lists the languages that have sessions.
func SessionLanguages() (names []string) {
	for _, l := range languages() {
		if l.Session != nil {
			names = append(names, l.Name)
		}
	}
	return names
}

// maxStdin bounds the standard input of a session's snippet, which is a file.
const maxStdin = 1 << 20

// checkSession refuses what a session can't do.
func (j *job) checkSession() error {
	switch {
	case j.Session == "":
		return nil
	case j.language.Session == nil:
		return hint.Errorf("use one of: "+strings.Join(SessionLanguages(), ", "),
			"%s has no sessions", j.language.Name)
	case !j.pools():
		return hint.Errorf("leave the session out", "no sessions with policy %s here",
			j.Policy.Name)
	case j.Policy.Guard.Mode == policies.GuardDeny:
		return hint.Errorf("leave the session out, or use the standard tier",
			"no sessions with policy %s: its guard refuses, and sees one snippet at a time",
			j.Policy.Name)
	case j.Umask != nil:
		return hint.Errorf("leave the session out", "a session has the umask of its first snippet")
	}
	return nil
}

// CloseSession ends a session, and what runs in it. It reports whether there was one.
func (p *Pool) CloseSession(caller, name string) bool { return p.pool.CloseSession(caller, name) }

// inSession runs a snippet in its session.
func (j *job) inSession(ctx context.Context) error {
	if err := j.look(ctx); err != nil {
		return err
	}
	j.Progress("run")
	files := j.given(mcpruntime.File{Path: "/work/" + j.language.File, Data: j.Code})
	if j.Stdin != nil &&
		j.language.Guard != "javascript" { // node can't exchange its standard input
		data, err := io.ReadAll(io.LimitReader(j.Stdin, maxStdin))
		if err != nil {
			return err
		}
		files = append(files, mcpruntime.File{Data: data})
	}
	input, ok := message(j.Args, files)
	if !ok {
		return hint.Errorf("give less data", "too much for a session's snippet")
	}
	stdout, stderr := j.captures()
	out := &collector{limits: snippetFiles}
	defer out.close()
	args := append(command(j.language.Run, map[string]string{program: j.program,
		file: files[0].Path}), j.Args...)
	done, err := j.Pool.pool.RunSession(ctx, pool.SessionCall{Session: j.Session, Call: pool.Call{
		Caller: j.Caller, Policy: j.Pool.tier(j.Policy), BestEffort: j.BestEffort, Input: input,
		Program: j.Pool.program("session\x00"+j.language.Name+"\x00"+j.program,
			func() *pool.Program {
				return j.language.Session.program(j.language, j.program)
			}),
		Command: mcpruntime.Command{Args: args, Stdout: tee(stdout, j.Stdout),
			Stderr: tee(stderr, j.Stderr), Call: j.Call, Origin: j.Origin,
			BeforeExec: func(p *mcpruntime.Process) {
				out.open(p)
				if j.BeforeExec != nil {
					j.BeforeExec(p)
				}
			}},
	}})
	var setup *mcpruntime.SetupError
	switch {
	case errors.As(err, &setup), errors.Is(err, mcpruntime.ErrLayer):
		return j.failed(ctx, err)
	case err != nil:
		return err
	}
	j.ended(done.Result, out, stdout, stderr)
	j.res.Session = &Session{Name: j.Session, Turn: done.Number, Ended: done.Ended}
	return nil
}
