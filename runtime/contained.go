package runtime

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/egress"
	"github.com/mcpbox/mcpbox/internal/cleanup"
	"github.com/mcpbox/mcpbox/internal/idmap"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/internal/rights"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime/internal/container"
	"github.com/mcpbox/mcpbox/runtime/internal/control"
	"github.com/mcpbox/mcpbox/runtime/internal/initbin"
	"github.com/mcpbox/mcpbox/runtime/internal/landlock"
	"github.com/mcpbox/mcpbox/runtime/internal/state"
	"github.com/mcpbox/mcpbox/runtime/internal/topology"
	"github.com/mcpbox/mcpbox/runtime/internal/verify"
	"github.com/mcpbox/mcpbox/runtime/internal/watchdog"
	"github.com/mcpbox/mcpbox/seccomp"
)

const hostname = "mcpbox"

// contained is the isolation of every policy but none: namespaces, a root and PID 1.
type contained struct {
	box       *Sandbox
	state     string   // state.Dir
	stale     []string // ids whose state folders were removed first; their cgroups may still exist
	plan      *Plan
	filter    *seccomp.Filter
	ids       idmap.IDs
	group     *cgroups.Group
	container *container.Container
	conn      *control.Conn
	umask     uint32 // of the caller, at the start
	storage   int    // O_PATH descriptor of the sandbox's own tmpfs
	sockets   *watchdog.Sockets
	segments  int      // the list of its shared memory, or -1
	network   *network // nil unless the policy allows hosts by name; of cells, each has its own
	inspected *egress.Inspection
	inwards   []*egress.Inwards
	dialled   int64 // connections to published ports so far
	undo      *cleanup.Stack

	// ending counts cells whose program has ended, but whose namespaces are not removed yet.
	ending sync.WaitGroup

	keys        func() bool                       // the policy allows keyctl(2) or its relatives
	mounts      func() []initproto.MountOp        // of a cell
	freshMounts func() []initproto.MountOp        // of a cell that is built before its call
	namespaces  func() (verify.Namespaces, error) // of PID 1, which keeps them
}

func startContained(ctx context.Context, box *Sandbox) (*contained, error) {
	undo := cleanup.New()
	defer undo.Run()
	c := &contained{box: box, storage: -1, segments: -1}
	c.mounts = sync.OnceValue(
		func() []initproto.MountOp { return control.Mounts(c.plan.root.Cell) })
	c.namespaces = sync.OnceValues(func() (verify.Namespaces, error) {
		return verify.NamespacesOf(c.container.PID)
	})
	c.freshMounts = sync.OnceValue(
		func() []initproto.MountOp { return control.Mounts(c.plan.root.FreshCell()) })
	c.keys = sync.OnceValue(func() bool { return seccomp.AllowsKeys(c.policy().Syscalls) })
	go c.keys()
	filter := c.compileFilter()
	undo.Push(func() { _ = filter() }) // it must not outlive a failed start
	if err := c.claim(undo); err != nil {
		return nil, err
	}
	if err := c.inspect(ctx); err != nil {
		return nil, err
	}
	if err := c.prepare(ctx, undo); err != nil {
		return nil, err
	}
	if err := c.launch(undo); err != nil {
		return nil, err
	}
	if err := c.complete(ctx, undo); err != nil {
		return nil, err
	}
	if err := c.openNetwork(ctx, undo); err != nil {
		return nil, err
	}
	if err := c.publish(undo); err != nil {
		return nil, err
	}
	if err := filter(); err != nil {
		return nil, err
	}
	c.undo = undo.Release()
	return c, nil
}

func (c *contained) policy() *policies.Policy { return c.box.policy() }

// compileFilter starts the compilation, which runs while the container starts. The returned
// function waits for it.
func (c *contained) compileFilter() (wait func() error) {
	p := c.policy()
	done := make(chan error, 1)
	go func() {
		var err error
		if c.filter, err = seccomp.CompileWatching(p.Syscalls, watched(p)); err != nil {
			err = fmt.Errorf("policy %s: %w", p.Name, err)
		}
		done <- err
	}()
	go func() { _ = initbin.Sealed() }() // also in the background; the container checks its error
	go container.Warm()
	return sync.OnceValue(func() error { return <-done })
}

// claim removes what killed sandboxes left. It reserves the id before anything with this id exists.
func (c *contained) claim(undo *cleanup.Stack) error {
	var err error
	if c.state, err = state.Dir(c.box.opts.stateDir); err != nil {
		return err
	}
	if c.stale, err = state.Collect(c.state); err != nil {
		return err
	}
	lock, err := state.Claim(c.state, c.box.ID)
	if err != nil {
		return setupError("state folder", err)
	}
	undo.Push(func() { state.Release(c.state, c.box.ID, lock) })
	return c.box.opts.passed("claim")
}

// prepare makes the plan and the cgroup.
func (c *contained) prepare(ctx context.Context, undo *cleanup.Stack) error {
	h := host{root: rights.Root(), ranged: ownRange(), landlock: landlock.ABI(),
		state: c.box.opts.stateDir, authority: c.inspected.PEM()}
	h.topology, _ = topology.Folder(c.state) // without it, tools guess the number of processors
	var parent *cgroups.Parent
	if wantsCgroup(c.policy().Limits) {
		var err error
		parent, err = cgroups.Find(ctx, cgroups.Options{})
		h.use(parent, err)
	}
	var err error
	if c.plan, err = newPlan(c.box.spec, h); err != nil {
		return err
	}
	c.plan.placeholders = c.inspected.Placeholders()
	if parent != nil {
		if err := c.makeGroup(ctx, parent, undo); err != nil {
			return err
		}
	}
	return c.box.opts.passed("cgroup")
}

// makeGroup makes the sandbox's cgroup.
func (c *contained) makeGroup(ctx context.Context, parent *cgroups.Parent,
	undo *cleanup.Stack) error {
	if len(c.stale) > 0 {
		_, _ = parent.Collect(ctx) // errors don't affect this sandbox; `mcpbox gc` reports them
	}
	var err error
	c.group, err = parent.Create(c.box.ID, together(c.policy().Limits, c.box.spec.Cells))
	if err != nil {
		return setupError("cgroup", err)
	}
	undo.Push(func() { _ = c.group.Destroy(context.Background()) })
	return nil
}

// together returns the limits of all cells of a sandbox together. Each cell has the policy's
// limits.
func together(l policies.Limits, cells int) policies.Limits {
	if cells > 0 {
		l.Memory *= policies.Size(cells)
		l.PIDs = (l.PIDs + cellReaper) * int64(cells)
		l.CPUs *= float64(cells)
		l.CPUTime = 0 // it applies to each call, not to all calls together
	}
	return l
}

func wantsCgroup(l policies.Limits) bool {
	return l.Memory > 0 || l.CPUs > 0 || l.PIDs > 0 || l.IOWeight > 0 || len(l.IO) > 0 ||
		l.CPUTime > 0
}

// launch creates the container and runs mcpbox-init in it.
func (c *contained) launch(undo *cleanup.Stack) error {
	if err := c.chooseIDs(undo); err != nil {
		return err
	}
	if err := c.box.opts.passed("ids"); err != nil {
		return err
	}
	executable, err := initbin.File()
	if err != nil {
		return setupError("mcpbox-init", err)
	}
	conn, theirs, err := initproto.Pair()
	if err != nil {
		return setupError("control socket", err)
	}
	undo.Push(func() { conn.Close() })
	defer theirs.Close()
	if err := c.box.opts.passed("control socket"); err != nil {
		return err
	}
	cfg := container.Config{
		ID: c.box.ID, StateDir: c.state, Plan: c.plan.root, IDs: c.ids, Rootless: !c.plan.host.root,
		Namespaces: c.plan.Namespaces.Sandbox, Hostname: hostname,
		NetAdmin: byName(c.policy()) && c.box.spec.Cells == 0,
		Init:     executable, Sealed: initbin.Sealed, Control: theirs, OwnKeyring: c.keys(),
	}
	if c.group != nil {
		cfg.Cgroup = c.group.InitPath()
	}
	if c.box.opts.container != nil {
		c.box.opts.container(&cfg)
	}
	if c.container, err = c.startContainer(cfg); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	undo.Push(func() { _ = c.container.Destroy() })
	if err := c.box.opts.passed("container"); err != nil {
		return err
	}
	c.conn = control.New(conn)
	return nil
}

// startContainer starts the container. If the file system of a read-only mount can't map owners, it
// starts again without a mapping for this mount. Only an attempt shows this.
func (c *contained) startContainer(cfg container.Config) (*container.Container, error) {
	for {
		started, err := container.Start(cfg)
		m, ok := container.Unmapped(err)
		if !ok || !c.plan.root.MarkUnmapped(m.Target) {
			return started, err
		}
	}
}

func (c *contained) chooseIDs(undo *cleanup.Stack) error {
	if !c.plan.host.root && !c.plan.host.ranged {
		c.ids = c.plan.ids
	} else {
		ids, lock, err := idmap.ForRoot(c.state)
		if err != nil {
			return err
		}
		undo.Push(func() { lock.Close() })
		c.ids = ids
	}
	if c.group == nil {
		return nil
	}
	if err := c.group.AllowSpawn(c.ids.UID[0].Host, c.ids.GID[0].Host); err != nil {
		return setupError("cgroup", err)
	}
	return nil
}

// complete lets mcpbox-init complete the root.
func (c *contained) complete(ctx context.Context, undo *cleanup.Stack) error {
	inbox := c.conn.Open(0)
	defer inbox.Close()
	err := c.conn.Send(initproto.Message{Kind: initproto.Setup}, control.Setup(c.plan.root.Setup))
	if errors.Is(err, unix.EPIPE) {
		err = cmp.Or(c.container.Ended(), err)
	}
	if err != nil {
		return setupError("setup", err)
	}
	// While PID 1 works, find out what a spawn needs.
	c.umask = verify.Umask()
	filterFlags()
	m, err := inbox.Next(ctx)
	if errors.Is(err, ErrClosed) {
		if why := c.container.Ended(); why != nil {
			err = why
		}
	}
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if m.Kind != initproto.Ready || len(m.FDs) == 0 {
		m.Close()
		return setupFault(m.Fault, setupEntry(c.plan.root.Setup, int(m.Fault.Index)))
	}
	c.storage = m.FDs[0]
	undo.Push(func() { initproto.CloseAll(m.FDs) })
	for _, fd := range m.FDs[1:] {
		var st unix.Stat_t
		switch err := unix.Fstat(fd, &st); {
		case err != nil:
			return setupError("setup", err)
		case st.Mode&unix.S_IFMT != unix.S_IFSOCK:
			c.segments = fd
		case c.policy().Network.Mode != policies.NetworkHost: // else it lists the host's sockets
			c.sockets = watchdog.NewSockets(fd)
		}
	}
	return c.box.opts.passed("setup")
}

func (c *contained) idMap() string { return c.ids.Kind }

func (c *contained) kill() {
	c.container.Kill()
	if c.group != nil {
		_ = c.group.Kill()
	}
}

func (c *contained) gone() <-chan struct{} { return c.container.Done() }

func (c *contained) end() {
	c.conn.Close() // PID 1 exits, and the kernel kills the rest
	_ = c.container.Destroy()
}

func (c *contained) close() error {
	err := c.container.Destroy()
	c.ending.Wait()
	c.undo.Run()
	return err
}
