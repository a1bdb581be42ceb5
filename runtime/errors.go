package runtime

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/rootfs"
	"github.com/mcpbox/mcpbox/runtime/internal/control"
	"github.com/mcpbox/mcpbox/runtime/internal/environ"
	"github.com/mcpbox/mcpbox/runtime/internal/remedy"
)

var (
	// ErrNotFound means that the command is not in the sandbox (exit code 127).
	ErrNotFound = errors.New("command not found in the sandbox")
	// ErrNotExecutable means that the command exists but can't be executed (exit code 126).
	ErrNotExecutable = errors.New("command can't be executed in the sandbox")
	// ErrLayer means that a required layer is missing.
	ErrLayer = errors.New("required layer is missing")
	// ErrClosed means that the sandbox ended while it was in use.
	ErrClosed = control.ErrClosed
	// ErrLimit means that a limit of the policy ended the run.
	ErrLimit = errors.New("a limit of the policy ended the run")
	// ErrViolation means that the policy, or one of its rules, ended the run.
	ErrViolation = errors.New("the policy ended the run")
)

// Hint returns the remedy for an error of this package, or "".
func Hint(err error) string { return hint.Of(err) }

const doctorHint = "`mcpbox doctor` says how to get it on this host; --best-effort runs without, " +
	"and says so"

// SetupError says which step of a start failed.
type SetupError struct {
	Step   string // "mount", "seccomp" …
	Index  int    // of the entry in the step's list, or -1
	Detail string // the entry, as text
	Err    error
}

// StepFiles is the Step of a SetupError about a file of the call, such as one that does not fit
// into the storage.
var StepFiles = initproto.StepFiles.String()

func (e *SetupError) Error() string {
	s := "start: " + e.Step
	if e.Index >= 0 && e.Detail != "" {
		s += fmt.Sprintf(" #%d %s", e.Index, e.Detail)
	}
	return s + ": " + e.Err.Error()
}

func (e *SetupError) Unwrap() error { return e.Err }

func setupError(
	step string,
	err error,
) error {
	return &SetupError{Step: step, Index: -1, Err: err}
}

// setupEntry returns the folder, file or link that the index of a setup fault means.
func setupEntry(set rootfs.Setup, i int) string {
	switch dirs, files := len(set.Dirs), len(set.Dirs)+len(set.Files); {
	case i < dirs:
		return set.Dirs[i].Path
	case i < files:
		return set.Files[i-dirs].Path
	case i < files+len(set.Links):
		return set.Links[i-files].Path
	}
	return ""
}

// setupFault returns the error for a failed step of the setup of the root.
func setupFault(f initproto.Fault, entry string) error {
	e := &SetupError{Step: f.Step.String(), Index: int(f.Index), Detail: entry, Err: f.Errno}
	switch f.Errno {
	case unix.ENOSPC:
		return hint.Wrap(e,
			"raise --disk: the sandbox's own folders and files need about 64 KiB of it")
	case unix.EROFS, unix.EEXIST, unix.EISDIR, unix.ENOTDIR:
		return hint.Wrap(
			e,
			"a mount covers a place that the sandbox needs itself: mount somewhere else, such as "+
				"/opt/NAME",
		)
	}
	return hint.Wrap(e, "`mcpbox doctor` says what this host allows")
}

// spawnError turns a report of mcpbox-init into an error for users.
func (c *contained) spawnError(f initproto.Fault, body *initproto.SpawnBody) error {
	return c.spawnErrorIn(c.plan.root, f, body)
}

// spawnErrorIn is spawnError for a root with a workspace.
func (c *contained) spawnErrorIn(root *rootfs.Plan, f initproto.Fault,
	body *initproto.SpawnBody) error {
	command := body.Argv[0]
	about := remedy.Command{Name: command, Dir: body.Dir, Env: body.Env, Plan: root,
		Rootfs: c.policy().Filesystem.Rootfs}
	switch {
	case f.Step == initproto.StepLookup && f.Errno == unix.EACCES, f.Step == initproto.StepExec &&
		f.Errno == unix.EACCES:
		return hint.Errorf(about.NotExecutable(), "%s: %w", command, ErrNotExecutable)
	case f.Step == initproto.StepLookup:
		return hint.Errorf(about.NotFound(), "%s: %w", command, ErrNotFound)
	case f.Step == initproto.StepExec && f.Errno == unix.ENOEXEC:
		return hint.Errorf("it has no #! line and is not an ELF program: name its interpreter",
			"%s: %w", command, ErrNotExecutable)
	case f.Step == initproto.StepExec && f.Errno == unix.ENOENT:
		what, remedy := about.Interpreter()
		if what == "" {
			what = "its interpreter"
		}
		return hint.Errorf(remedy, "%s: %s: %w", command, what, ErrNotFound)
	case f.Step == initproto.StepExec:
		return hint.Errorf(
			"raise the memory or process limit if it is below what the program needs to start",
			"%s: %w: %w", command, ErrNotExecutable, f.Errno)
	case f.Step == initproto.StepDir && f.Errno == unix.EACCES:
		return hint.Errorf(
			"the user that runs mcpbox must be allowed to enter the folder that is mounted there",
			"working directory %s: %w", body.Dir, f.Errno)
	case f.Step == initproto.StepDir:
		return hint.Errorf(dirRemedy(body.Dir), "working directory %s: %w", body.Dir, f.Errno)
	case f.Step == initproto.StepDied:
		return hint.Errorf(
			"raise the memory or process limit: a process needs about 4 MiB and one task to start",
			"start: the process died before its command ran")
	}
	e := &SetupError{Step: f.Step.String(), Index: int(f.Index), Err: f.Errno}
	if f.Step == initproto.StepMount && int(f.Index) < len(body.Mounts) {
		e.Detail = body.Mounts[f.Index].Target
	}
	if f.Step == initproto.StepClone && f.Errno == unix.EAGAIN {
		return hint.Wrap(e, "raise --pids: the limit leaves no task for the tool")
	}
	return hint.Wrap(e, "`mcpbox doctor` says what this host allows")
}

// dirRemedy returns the hint for a working folder that is not there.
func dirRemedy(dir string) string {
	st, err := os.Stat(dir)
	switch {
	case !filepath.IsAbs(dir):
		return "give the whole path, as the sandbox sees it; the default is " + rootfs.Work
	case err == nil && st.IsDir():
		return "the host has it and the sandbox does not: --mount " + dir
	}
	return "name a folder as the sandbox sees it; the default is " + rootfs.Work
}

// OnlyOnHost says which argument of a command names a file or folder that exists on the host but
// not in the sandbox, and how to mount it, or that the program fails in every sandbox. It
// returns "" if it knows neither. wd is the folder on the host where relative paths start. Use
// it only after a command has failed, because an argument may not be a path at all.
func (p *Plan) OnlyOnHost(cmd Command, wd string) string {
	if p.root == nil || len(cmd.Args) < 2 {
		return ""
	}
	about := remedy.Command{Name: cmd.Args[0], Dir: cmp.Or(cmd.Dir, rootfs.Work),
		Env: environ.Strings(p.environment(cmd)), Plan: p.root,
		Rootfs: p.spec.Policy.Filesystem.Rootfs}
	return cmp.Or(about.Arguments(cmd.Args[1:], wd), about.Program())
}
