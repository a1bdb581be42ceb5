package packages

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/packages/audit"
	"github.com/mcpbox/mcpbox/packages/provenance"
	"github.com/mcpbox/mcpbox/packages/registry"
	"github.com/mcpbox/mcpbox/packages/runner"
	"github.com/mcpbox/mcpbox/policies"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

const (
	inside = "/tmp/install" // the tree, in the sandbox's own storage
	caFile = "/home/user/ca.pem"
)

// fetched is what an install brought.
type fetched struct {
	main     Member
	members  []Member
	lock     string // SHA-256, hexadecimal
	registry string
	python   string // the interpreter on the host, for PyPI
	findings []audit.Finding
	built    *provenance.Built // verified; nil: not
	versions map[string]string // that the registry has; why each was withdrawn
}

// installPolicy is that of the sandbox of an install: the registries are all that it reaches.
func installPolicy(hosts []policies.NetworkRule, mounts []policies.Mount) (*policies.Policy,
	error) {
	p, err := policies.Resolve("standard")
	if err != nil {
		return nil, err
	}
	p.Name = "install"
	p.Filesystem.Mounts = append(p.Filesystem.Mounts, mounts...)
	p.AllowNetwork(hosts...)
	p.Network.Private = registry.Private(hosts)
	// The storage is memory. The installer keeps each archive beside what it unpacks.
	p.Limits.Memory, p.Limits.Disk, p.Limits.FileSize = 3<<30, 2<<30, 1<<30
	p.Limits.CPUs, p.Limits.OpenFiles = 0, 4096
	return p, p.Validate()
}

// refusedConnection is the error of an install that asked for more than its registries.
func refusedConnection(res *mcpruntime.Result, show string) error {
	for i := range res.Events {
		if e := &res.Events[i]; strings.HasPrefix(e.Rule, monitor.RuleEgress) {
			return hint.Errorf(show+" names the registry; nothing else is in reach of an install",
				"the install was refused a connection: %s", e.Reason)
		}
	}
	return nil
}

// takeOut copies the tree out of the sandbox.
func takeOut(ctx context.Context, box *mcpruntime.Sandbox, tree string) error {
	r, w := io.Pipe()
	said := head{left: 4 << 10}
	p, err := box.Start(ctx, mcpruntime.Command{
		Args:   []string{"tar", "-C", inside, "--hard-dereference", "-cf", "-", "."},
		Stdout: w, Stderr: &said})
	if err != nil {
		return err
	}
	taken := make(chan error, 1)
	go func() {
		err := extract(r, tree)
		if err == nil {
			_, err = io.Copy(io.Discard, r) // the padding
		}
		r.CloseWithError(err)
		taken <- err
	}()
	res, err := p.Wait()
	w.Close()
	if e := <-taken; e != nil {
		return e
	}
	if err == nil && !res.Success {
		err = fmt.Errorf("tar: %s", safetext.Clean(strings.TrimSpace(said.String()), 200))
	}
	return err
}

// head keeps the first bytes of what is written to it: a program may say more than there is room
// for.
type head struct {
	bytes.Buffer
	left int
}

func (h *head) Write(p []byte) (int, error) {
	n := min(len(p), h.left)
	h.left -= n
	h.Buffer.Write(p[:n])
	return len(p), nil
}

// parseTime reads a registry's time; a zero time is unknown.
func parseTime(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// getenv is os.Getenv, with the registries that a request names.
func getenv(r *runner.Request) func(string) string {
	return func(name string) string {
		given := os.Getenv(name)
		switch name {
		case "npm_config_registry", "PIP_INDEX_URL":
			return cmp.Or(r.Index, given)
		case "PIP_EXTRA_INDEX_URL":
			return strings.Join(append(slices.Clone(r.Indexes), strings.Fields(given)...), " ")
		}
		return given
	}
}
