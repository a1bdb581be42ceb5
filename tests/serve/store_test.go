package serve

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/server/api"
	"github.com/mcpbox/mcpbox/tests/internal/built"
)

// A state on a full disk refuses what it cannot keep, says so, and goes on.
func TestAFullDiskIsSaid(t *testing.T) {
	testhost.Need(t, "root") // for the mount, in a namespace of its own
	dir := folder(t)
	state := filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	d := startBy(t, []string{"unshare", "-m", "sh", "-c",
		`mount -t tmpfs -o size=2m,mode=0700 none "$0" && exec "$@"`, state}, dir)
	large := api.ExecutionRequest{MaxOutput: 1 << 19,
		Command: []string{"sh", "-c", `head -c 500000 /dev/zero | tr "\\0" x`}}
	var p *api.Problem
	for n := 0; !errors.As(errOf(d.Run(bounded(t), large)), &p); n++ {
		if n == 20 {
			t.Fatal("the disk does not become full")
		}
	}
	if p.Status != 507 || !strings.Contains(p.Remedy, "retention") {
		t.Errorf("%+v", p)
	}
	if _, err := d.Version(bounded(t)); err != nil {
		t.Error(err)
	}
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, d.log.String())
	}
}

func errOf[T any](_ T, err error) error { return err }

// A state that is damaged is named, with what to do, and is not written.
func TestADamagedStateIsNamed(t *testing.T) {
	dir := folder(t)
	d := start(t, dir)
	for range 20 {
		request := api.ExecutionRequest{Command: []string{"true"}}
		if _, err := d.Run(bounded(t), request); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := d.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "state", "serve.db")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	noise := bytes.Repeat([]byte("noise"), len(whole)/5+1)
	for what, damaged := range map[string][]byte{
		"no database":            noise[:len(whole)],
		"all but its first page": append(whole[:4096:4096], noise[:len(whole)-4096]...),
		"the first half":         whole[:len(whole)/2],
	} {
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(built.Mcpbox(t), "serve", "--best-effort", "--socket",
			filepath.Join(dir, "s.sock"), "--state", filepath.Join(dir, "state")).CombinedOutput()
		text := string(out)
		if err == nil || !strings.Contains(text, file) ||
			!strings.Contains(text, "hint: move it away") {
			t.Errorf("%s: %v\n%s", what, err, text)
		}
		if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, damaged) {
			t.Errorf("%s: it was changed: %v", what, err)
		}
	}
}

// SIGHUP, again and again under load, drops no call. SIGTERM lets each that was admitted finish.
func TestNoCallIsDroppedByAReloadOrADrain(t *testing.T) {
	dir := folder(t)
	config := filepath.Join(dir, "serve.yaml")
	write := func(n int) {
		if err := os.WriteFile(config, fmt.Appendf(nil, "version: 1\ndrain: 30s\nrules: "+
			"[{id: r%d, when: refused}]\n", n), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(0)
	d := start(t, dir, "--config", config)
	var all sync.WaitGroup
	var served, refused atomic.Int64
	ending := make(chan struct{})
	for range 6 {
		all.Go(func() {
			for {
				x, err := d.Run(bounded(t), api.ExecutionRequest{
					Command: []string{"sh", "-c", "sleep 0.05; echo whole"}})
				switch {
				case err == nil && x.Result.Stdout == "whole\n":
					served.Add(1)
					continue
				case err == nil:
					t.Errorf("%+v", x.Result)
				case busy(err): // it says when to come back
					refused.Add(1)
				default:
					select {
					case <-ending: // it does not listen any more
					default:
						t.Errorf("dropped: %v", err)
					}
				}
				return
			}
		})
	}
	for n := 1; n <= 20; n++ {
		before := served.Load()
		write(n)
		if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		eventually(t, "calls go on", func() bool { return served.Load() > before })
	}
	eventually(t, "the last config is in force", func() bool {
		rules, err := d.Rules(bounded(t))
		return err == nil && len(rules) == 1 && rules[0].ID == "r20"
	})
	close(ending)
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	if err := d.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, d.log.String())
	}
	t.Logf("%d calls served, %d told to come back", served.Load(), refused.Load())
}
