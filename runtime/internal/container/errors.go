package container

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/initproto"
)

// translate shortens libcontainer's error chain to the failing step and adds the remedy.
func translate(err error) error {
	text := strings.NewReplacer(initproto.Root+"/", "/", "error during container init: ", "",
		"unable to start container process: ", "").Replace(err.Error())
	short := &startError{text, err}
	switch {
	case inSandbox():
		return hint.Wrap(short,
			"this already runs inside a sandbox of mcpbox, and sandboxes can't be nested")
	case strings.Contains(text, `mounting "proc"`) && refused(err):
		if covered := coveredProc(); covered != "" {
			return hint.Wrap(
				&startError{"no fresh /proc: the kernel forbids one where parts of the " +
					"present one are covered, as " + covered + " is here", err},
				UnmaskHint,
			)
		}
		return hint.Wrap(short, "`mcpbox doctor` finds out what forbids it")
	case strings.Contains(text, "sethostname") && refused(err):
		return hint.Wrap(short, "the container's seccomp profile forbids it: start the container "+
			"with --security-opt seccomp=unconfined")
	case strings.Contains(text, "unshare") || strings.Contains(text, "clone"), refused(err):
		return hint.Wrap(short,
			"`mcpbox doctor` says what forbids namespaces on this host and how to allow them")
	}
	return short
}

// inSandbox reports whether this process is in a sandbox of mcpbox. The tool may have changed its
// environment.
func inSandbox() bool {
	name, _ := os.Hostname()
	return os.Getenv("MCPBOX") == "1" || name == "mcpbox" && sysctlIsZero("max_user_namespaces")
}

func sysctlIsZero(name string) bool {
	data, err := os.ReadFile("/proc/sys/user/" + name)
	return err == nil && strings.TrimSpace(string(data)) == "0"
}

// refused checks the text, because libcontainer's init sends its errors as text.
func refused(err error) bool {
	return errors.Is(err, unix.EPERM) || strings.HasSuffix(strings.ToLower(err.Error()),
		unix.EPERM.Error())
}

// UnmaskHint says how to start a container whose /proc is not covered.
const UnmaskHint = "umount what covers it; a container is started with podman --security-opt " +
	"unmask=all, docker " +
	"--security-opt systempaths=unconfined, or in Kubernetes procMount: Unmasked and hostUsers: " +
	"false"

// coveredProc returns a mount inside /proc, or "". mount_namespaces(7)
func coveredProc() string {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) > 4 && strings.HasPrefix(f[4], "/proc/") && f[4] != "/proc/sys/fs/binfmt_misc" {
			return f[4]
		}
	}
	return ""
}

type startError struct {
	text string
	err  error
}

func (e *startError) Error() string { return e.text }
func (e *startError) Unwrap() error { return e.err }
