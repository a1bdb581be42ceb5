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
type runners struct {
	mcpbox, runc, pinned, crun, bwrap *candidate
	all                               []*candidate
}

func (b *bench) runners() runners {
	oci := func(name, program string) *candidate {
		id := func() []string { return []string{fmt.Sprintf("mcpbox-bench-%d", serial.Add(1))} }
		return command(name, id, program, "run", "-b", b.bundle)
	}
	r := runners{
		mcpbox: command("mcpbox run", nil, append([]string{b.mcpbox}, b.run()...)...),
		runc:   oci("runc run", "runc"),
		crun:   oci("crun run", "crun"),
		bwrap:  command("bwrap --unshare-all", nil, append([]string{"bwrap"}, b.bwrapArgs()...)...),
	}
	program, version, err := b.pinnedRunc()
	if r.pinned = oci("runc "+version+" run", program); err != nil {
		r.pinned.err = err
	}
	r.all = []*candidate{
		command("bare", nil, b.trueProgram()), r.mcpbox,
		command("mcpbox run, host's /usr", nil, b.mcpbox, "run", "-q", "--", "true"),
		r.runc, r.pinned, r.crun, r.bwrap,
		command("firejail", nil, "firejail", "--quiet", "--noprofile", "--net=none", "--private",
			"--", "true"),
		command("podman run", nil, "podman", "--runtime", "runc", "run", "--rm", "--network",
			"none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--rootfs",
			b.root+":O", "/bin/true"),
		command("docker run", nil, "docker", "run", "--rm", "--network", "none", "mcpbox-bench",
			"/bin/true"),
	}
	return r
}

func (b *bench) run() []string {
	return []string{"run", "-q", "--rootfs", b.root, "--", "/bin/true"}
}

func (b *bench) bwrapArgs() []string {
	return []string{"--unshare-all", "--ro-bind", b.root, "/", "--proc", "/proc", "--dev", "/dev",
		"/bin/true"}
}

func (b *bench) start() error {
	b.heading("Start: from fork to exit, a static `true`")
	r := b.runners()
	interleave(b.rounds, sectionTime, r.all...)
	b.compare(r.runc, r.all...)
	b.text("\nCPU time and page faults are of all processes of a run together.\n" +
		"mcpbox adds to runc's namespaces a user namespace, a second one for the tool, a seccomp " +
		"filter " +
		"with a listener, Landlock and a monitor;\n" +
		"runc runs `true` as the host's root here, without a filter.\n")
	b.budgetRatio("`mcpbox run -- true` against Debian's `runc run`", 0.8, r.mcpbox, r.runc)
	b.budgetRatio("`mcpbox run -- true` against `"+r.pinned.name+"`, which go.mod pins", 0.8,
		r.mcpbox, r.pinned)
	if n := r.mcpbox.faults(); isRoot() && n > 0 {
		b.budget("page faults of `mcpbox run -- true`", "≤ 900", n <= 900, fmt.Sprint(n))
	}
	return r.mcpbox.err
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
	by := func(uid, dir, name string, argv ...string) *candidate {
		return command(name, nil, asUser(uid, dir, argv...)...)
	}
	user := func(name string, argv ...string) *candidate {
		return by(b.user, runtimeDir, name, argv...)
	}
	run := append([]string{b.mcpbox}, b.run()...)
	bare, mcpbox := user("bare", b.trueProgram()), user("mcpbox run", run...)
	byRoot := by("0", "/run", "mcpbox run, by root", run...)
	bwrap := user("bwrap --unshare-all", append([]string{"bwrap"}, b.bwrapArgs()...)...)
	firejail := user("firejail", "firejail", "--quiet", "--noprofile", "--net=none", "--", "true")
	interleave(b.rounds/2, sectionTime, bare, mcpbox, byRoot, bwrap, firejail)
	b.compare(bwrap, bare, mcpbox, byRoot, bwrap, firejail)
	b.text(
		"\nEvery figure includes `setpriv` and `env`. runc and podman need more set up for a " +
			"user than a benchmark may.\n",
	)
	b.budgetRatio("`mcpbox run -- true` by a user against the same by root", 1.1, mcpbox, byRoot)
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
	all := b.runners()
	m, r, p, bw := batch(all.mcpbox), batch(all.runc), batch(all.pinned), batch(all.bwrap)
	interleave(b.rounds/4, sectionTime, m, r, p, bw)
	rows := [][]string{{"", "runs a second, median", "best", "over runc (median)", "batches of 8"}}
	for _, c := range []*candidate{m, r, p, bw} {
		if c.err != nil {
			rows = append(rows,
				[]string{c.name, "not measured: " + cut(c.err.Error(), 240), "", "", ""})
			continue
		}
		rows = append(rows, []string{c.name, rate(runs, c.median(wall)), rate(runs, c.min(wall)),
			ratio(r.median(wall), c.median(wall)), fmt.Sprint(len(c.got))})
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
