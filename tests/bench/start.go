package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const sectionTime = 45 * time.Second

var serial atomic.Int64

// runners are mcpbox and its peers, each running the same static true in the same minimal root.
func (b *bench) runners() (mcpbox, runc *candidate, all []*candidate) {
	mcpbox = command("mcpbox run", nil, b.mcpbox, "run", "-q", "--rootfs", b.root, "--", "/bin/true")
	runc = command("runc run", func() []string { return []string{fmt.Sprintf("mcpbox-bench-%d", serial.Add(1))} }, "runc", "run", "-b", b.bundle)
	all = []*candidate{
		command("bare", nil, b.trueProgram()), mcpbox,
		command("mcpbox run, host's /usr", nil, b.mcpbox, "run", "-q", "--", "true"), runc,
		command("bwrap --unshare-all", nil, "bwrap", "--unshare-all", "--ro-bind", b.root, "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"),
		command("firejail", nil, "firejail", "--quiet", "--noprofile", "--net=none", "--private", "--", "true"),
		command("podman run", nil, "podman", "run", "--rm", "--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--rootfs", b.root+":O", "/bin/true"),
		command("docker run", nil, "docker", "run", "--rm", "--network", "none", "mcpbox-bench", "/bin/true"),
	}
	return mcpbox, runc, all
}

func (b *bench) start() error {
	b.heading("Start: from fork to exit, a static `true`")
	mcpbox, runc, all := b.runners()
	interleave(b.rounds, sectionTime, all...)
	b.compare(runc, all...)
	b.text("\nmcpbox adds to runc's namespaces a user namespace, a second one for the tool, a seccomp filter with a listener, Landlock and a monitor;\nrunc as Debian ships it runs `true` as the host's root, without a filter.\n")
	b.budgetRatio("`mcpbox run -- true` against `runc run`", 0.8, mcpbox, runc)
	return mcpbox.err
}

func (b *bench) startAsUser() error {
	b.heading("Start, as an ordinary user")
	if !isRoot() {
		return fmt.Errorf("the run itself was by an ordinary user: see above")
	}
	id, err := strconv.Atoi(b.user)
	if err != nil {
		return err
	}
	runtimeDir := filepath.Join(b.dir, "run") // or state would be left in /tmp
	if err := os.Mkdir(runtimeDir, 0o700); err != nil {
		return err
	}
	if err := os.Chown(runtimeDir, id, id); err != nil {
		return err
	}
	user := func(name string, argv ...string) *candidate {
		return command(name, nil, asUser(b.user, runtimeDir, argv...)...)
	}
	bare := user("bare", b.trueProgram())
	mcpbox := user("mcpbox run", b.mcpbox, "run", "-q", "--rootfs", b.root, "--", "/bin/true")
	bwrap := user("bwrap --unshare-all", "bwrap", "--unshare-all", "--ro-bind", b.root, "/", "--proc", "/proc", "--dev", "/dev", "/bin/true")
	firejail := user("firejail", "firejail", "--quiet", "--noprofile", "--net=none", "--", "true")
	interleave(b.rounds/2, sectionTime, bare, mcpbox, bwrap, firejail)
	b.compare(bwrap, bare, mcpbox, bwrap, firejail)
	b.text("\nEvery figure includes `setpriv` and `env`. runc and podman need more set up for a user than a benchmark may.\n")
	return mcpbox.err
}

// parallel compares batches of eight runs by four workers.
func (b *bench) parallel() error {
	b.heading("Throughput: four runners at once")
	const workers, runs = 4, 8
	batch := func(c *candidate) *candidate {
		return &candidate{name: c.name, turn: timed(func() error {
			var wg sync.WaitGroup
			errs := make([]error, workers)
			for w := range workers {
				wg.Go(func() {
					for range runs / workers {
						if _, err := c.turn(); err != nil {
							errs[w] = err
						}
					}
				})
			}
			wg.Wait()
			for _, err := range errs {
				if err != nil {
					return err
				}
			}
			return nil
		})}
	}
	mcpbox, runc, all := b.runners()
	m, r, bw := batch(mcpbox), batch(runc), batch(all[4])
	interleave(b.rounds/4, sectionTime, m, r, bw)
	rows := [][]string{{"", "runs a second, median", "best", "over runc (median)", "batches of 8"}}
	for _, c := range []*candidate{m, r, bw} {
		if c.err != nil {
			rows = append(rows, []string{c.name, "not measured: " + cut(c.err.Error(), 240), "", "", ""})
			continue
		}
		rows = append(rows, []string{c.name, rate(runs, c.median(wall)), rate(runs, c.min(wall)), ratio(r.median(wall), c.median(wall)), fmt.Sprint(len(c.got))})
	}
	b.page.WriteString(table(rows))
	return m.err
}

func rate(n int, d time.Duration) string {
	if d == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f", float64(n)/d.Seconds())
}
