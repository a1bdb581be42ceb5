package serve

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/lockedbuf"
	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/server/client"
	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// patience bounds every wait; nothing here measures time.
const patience = 60 * time.Second

type daemon struct {
	*client.Client
	cmd *exec.Cmd
	log lockedbuf.Buffer
}

// start runs a daemon with flags.
func start(t *testing.T, dir string, flags ...string) *daemon {
	t.Helper()
	return startBy(t, nil, dir, flags...)
}

// startBy runs it by another command, which must execute it.
func startBy(t *testing.T, by []string, dir string, flags ...string) *daemon {
	t.Helper()
	testhost.Need(t, "sandbox")
	socket := filepath.Join(dir, "s.sock")
	args := append(by, built.Mcpbox(t), "serve", "--best-effort", "--socket", socket, "--state",
		filepath.Join(dir, "state"))
	args = append(args, flags...)
	d := &daemon{cmd: exec.Command(args[0], args[1:]...)}
	d.cmd.Stderr = &d.log
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if d.cmd.ProcessState == nil {
			_ = d.cmd.Process.Kill()
			_ = d.cmd.Wait()
		}
	})
	var err error
	if d.Client, err = client.Dial(socket); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the daemon answers", func() bool {
		_, err := d.Version(t.Context())
		return err == nil
	})
	return d
}

func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "serve-") // short: a socket's path has a bound
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it never came to be that %s", what)
		}
	}
}

// number is an environment variable, or its default.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// marked are the processes whose command line has a marker.
func marked(t *testing.T, marker string) (pids []string) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		line, err := os.ReadFile(name)
		if err == nil && strings.Contains(string(line), marker) {
			pids = append(pids, strings.Split(name, "/")[2])
		}
	}
	return pids
}

// busy reports a refusal that says when to come back.
func busy(err error) bool {
	var p *api.Problem
	return errors.As(err, &p) && (p.Status == 429 || p.Status == 503) && p.RetryAfter > 0
}

func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func descriptors(t *testing.T, d *daemon) int {
	t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// resident is the daemon's memory in KiB.
func resident(t *testing.T, d *daemon) (kib int) {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatal(err)
	}
	return kib
}
