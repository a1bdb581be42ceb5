package packages

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/packages/npm"
	"github.com/mcpbox/mcpbox/packages/runner"
	"github.com/mcpbox/mcpbox/policies"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
)

const (
	inside = "/tmp/install" // the tree, in the sandbox's own storage
	caFile = "/home/user/ca.pem"
)

// installPolicy is that of the sandbox in which npm runs: the registries are all that it reaches.
func installPolicy(config *npm.Config, mounts []policies.Mount) (*policies.Policy, error) {
	p, err := policies.Resolve("standard")
	if err != nil {
		return nil, err
	}
	p.Name = "install"
	p.Filesystem.Mounts = append(p.Filesystem.Mounts, mounts...)
	p.AllowNetwork(config.Hosts...)
	// The storage is memory. npm keeps each archive beside what it unpacks.
	p.Limits.Memory, p.Limits.Disk, p.Limits.FileSize = 3<<30, 2<<30, 1<<30
	p.Limits.CPUs, p.Limits.OpenFiles = 0, 4096
	return p, p.Validate()
}

// fetch installs into a sandbox's own storage, and takes the tree from there. times says when each
// version was published, if the registry does.
func fetch(ctx context.Context, r *runner.Request, config *npm.Config, tree string,
	bestEffort bool) (times map[string]time.Time, err error) {
	cli, mounts, err := hostProgram("npm")
	if err != nil {
		return nil, err
	}
	node, more, err := hostProgram("node")
	if err != nil {
		return nil, err
	}
	policy, err := installPolicy(config, append(mounts, more...))
	if err != nil {
		return nil, err
	}
	box, err := mcpruntime.Start(ctx, mcpruntime.Spec{Policy: policy, BestEffort: bestEffort,
		Files: configFiles(config)})
	if err != nil {
		return nil, err
	}
	defer func() {
		if closed := box.Close(); err == nil {
			err = closed
		}
	}()
	asked := make(chan map[string]time.Time, 1)
	go func() { asked <- published(ctx, box, []string{node, cli}, r.Name) }()
	if err := npmInstall(ctx, box, []string{node, cli}, r); err != nil {
		_ = box.Close() // ends the other one
		<-asked
		return nil, err
	}
	times = <-asked
	return times, takeOut(ctx, box, tree)
}

func configFiles(config *npm.Config) []mcpruntime.File {
	rc := config.File + `ignore-scripts=true
audit=false
fund=false
update-notifier=false
progress=false
loglevel=error
fetch-retries=1
fetch-retry-mintimeout=1000
fetch-timeout=60000
prefix=` + inside + `
cache=/tmp/cache
`
	files := []mcpruntime.File{}
	if config.CA != nil {
		rc += "cafile=" + caFile + "\n"
		files = append(files, mcpruntime.File{Path: caFile, Data: config.CA})
	}
	return append(files, mcpruntime.File{Path: "/home/user/.npmrc", Data: []byte(rc), Mode: 0o600},
		mcpruntime.File{Path: inside + "/package.json", Data: []byte("{}\n")})
}

// published asks the registry when versions were published. It may not say; then nothing is known.
func published(ctx context.Context, box *mcpruntime.Sandbox, npm []string,
	name string) map[string]time.Time {
	said := head{left: 8 << 20}
	p, err := box.Start(ctx, mcpruntime.Command{
		Args: slices.Concat(npm, []string{"view", "--json", "--", name, "time"}), Stdout: &said})
	if err != nil {
		return nil
	}
	_, _ = p.Wait()
	var texts map[string]string
	_ = json.Unmarshal(said.Bytes(), &texts)
	out := map[string]time.Time{}
	for version, text := range texts {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			out[version] = at
		}
	}
	return out
}

func npmInstall(ctx context.Context, box *mcpruntime.Sandbox, npm []string,
	r *runner.Request) error {
	said := head{left: 64 << 10}
	p, err := box.Start(ctx, mcpruntime.Command{
		Args: slices.Concat(npm, []string{"install", "--ignore-scripts", "--save-exact", "--",
			r.Spec()}),
		Dir: inside, Stdout: &said, Stderr: &said,
	})
	if err != nil {
		return err
	}
	res, err := p.Wait()
	switch {
	case err != nil:
		return err
	case res.Success:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return npmError(r, said.String(), res)
}

// npmError turns npm's words into one sentence.
func npmError(r *runner.Request, said string, res *mcpruntime.Result) error {
	for i := range res.Events {
		if e := &res.Events[i]; strings.HasPrefix(e.Rule, monitor.RuleEgress) {
			return hint.Errorf("npm config get registry names the registry; nothing else is in "+
				"reach of an install", "the install was refused a connection: %s", e.Reason)
		}
	}
	code := ""
	if m := regexp.MustCompile(`(?m)^npm error code (\w+)`).FindStringSubmatch(said); m != nil {
		code = m[1]
	}
	switch code {
	case "E404":
		return hint.Errorf("check the name", "the registry has no package %s", r.Name)
	case "ETARGET", "ENOVERSIONS":
		return hint.Errorf("npm view "+r.Name+" versions", "%s has no version %s", r.Name, r.Range)
	case "EINTEGRITY":
		return hint.Errorf("do not use it: the registry, or somebody on the way, has replaced it",
			"an archive is not what the registry's integrity says")
	case "E401", "E403", "ENEEDAUTH":
		return hint.Errorf("npm login", "the registry refuses it (%s)", code)
	}
	detail := res.Error
	for line := range strings.Lines(said) {
		if rest, ok := strings.CutPrefix(line, "npm error "); ok &&
			!strings.HasPrefix(rest, "code ") && !strings.HasPrefix(rest, "errno ") {
			detail = strings.TrimSpace(rest)
			break
		}
	}
	return fmt.Errorf("npm failed: %s %s", code, safetext.Clean(detail, 300))
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
