package runtime

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/internal/cleanup"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/monitor"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
	"github.com/mcpbox/mcpbox/runtime/internal/container"
	"github.com/mcpbox/mcpbox/runtime/internal/initbin"
	"github.com/mcpbox/mcpbox/runtime/internal/landlock"
	"github.com/mcpbox/mcpbox/seccomp"
)

const hostname = "mcpbox"

// Sandbox is a started one: namespaces, a root and PID 1, no tool yet.
type Sandbox struct {
	ID string

	spec      Spec
	state     string   // StateDir
	stale     []string // ids whose state folders were removed first: their cgroups may be there
	plan      *rootfs.Plan
	filter    *seccomp.Filter
	landlock  *initproto.Landlock
	ids       container.IDs
	idMap     string
	group     *cgroups.Group
	container *container.Container
	conn      *initproto.Conn
	umask     uint32 // of the caller, at the start
	storage   int    // O_PATH descriptor of the sandbox's own tmpfs
	recorder  *monitor.Recorder
	undo      *cleanup.Stack
	setupTime time.Duration

	mu       sync.Mutex
	next     int
	inbox    map[int]chan packet // by process number; 0 is the setup's
	stopped  Status              // why the sandbox was killed, "" if it was not
	gone     chan struct{}       // PID 1 is dead
	close    sync.Once
	closeErr error
}

// Start builds a sandbox. ctx bounds the start only. On an error nothing is left
// on the host; the error names the step, and hint.Of(err) the remedy.
func Start(ctx context.Context, spec Spec) (*Sandbox, error) {
	began := time.Now()
	undo := cleanup.New()
	defer undo.Run()
	s := &Sandbox{ID: newID(), spec: spec, inbox: map[int]chan packet{}, gone: make(chan struct{}), storage: -1}

	// The recorder first: it owns the sinks, whatever happens.
	recorder, err := monitor.New(monitor.Config{Sandbox: s.ID, Policy: spec.Policy.Name, Sinks: spec.Sinks, Rules: spec.Policy.Rules, Respond: s.respond})
	if err != nil {
		return nil, err
	}
	s.recorder = recorder
	undo.Push(func() { recorder.Close(context.Background()) })

	filter := s.compileFilter()
	undo.Push(func() { filter() }) // it is not to outlive a failed start
	if err := s.claim(undo); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, undo); err != nil {
		return nil, err
	}
	if err := s.launch(undo); err != nil {
		return nil, err
	}
	if err := s.complete(ctx, undo); err != nil {
		return nil, err
	}
	if err := filter(); err != nil {
		return nil, err
	}
	s.undo = undo.Release()
	s.setupTime = time.Since(began)
	return s, nil
}

// compileFilter begins at once and runs beside the container's start; the returned function waits for it.
func (s *Sandbox) compileFilter() (wait func() error) {
	p := s.spec.Policy
	done := make(chan error, 1)
	go func() {
		var err error
		if s.filter, err = seccomp.Compile(p.Syscalls); err != nil {
			err = fmt.Errorf("policy %s: %w", p.Name, err)
		}
		done <- err
	}()
	go initbin.Sealed() // likewise
	go container.Warm()
	return sync.OnceValue(func() error { return <-done })
}

// claim removes what killed ones left and takes the sandbox's id, before there is anything that bears it.
func (s *Sandbox) claim(undo *cleanup.Stack) error {
	var err error
	if s.stale, err = Collect(); err != nil {
		return err
	}
	if s.state, err = StateDir(); err != nil {
		return err
	}
	lock, err := claim(s.state, s.ID)
	if err != nil {
		return &SetupError{Step: "state folder", Index: -1, Err: err}
	}
	undo.Push(func() { os.Remove(filepath.Join(s.state, "locks", s.ID)); lock.Close() })
	return checkpoint("claim")
}

// prepare decides what limits and mounts there will be.
func (s *Sandbox) prepare(ctx context.Context, undo *cleanup.Stack) error {
	p := s.spec.Policy
	var err error
	if wantsCgroup(p.Limits) {
		parent, err := cgroups.Find(ctx, cgroups.Options{})
		switch {
		case err == nil:
			if len(s.stale) > 0 {
				parent.Collect(ctx) // of no consequence to this sandbox; `mcpbox gc` reports errors
			}
			if s.group, err = parent.Create(s.ID, p.Limits); err != nil {
				return &SetupError{Step: "cgroup", Index: -1, Err: err}
			}
			undo.Push(func() { s.group.Destroy(context.Background()) })
		case s.requires(policies.LayerCgroupLimits):
			return hint.Wrap(fmt.Errorf("policy %s: %w: %s: %w", p.Name, ErrLayer, policies.LayerCgroupLimits, err), "`mcpbox doctor` says how to get it on this host; --best-effort runs without, and says so")
		}
	}
	if landlock.ABI() == 0 && s.requires(policies.LayerLandlock) {
		return hint.Errorf("boot a kernel ≥ 5.13 with landlock in its lsm= list, or use --best-effort", "policy %s: %w: %s", p.Name, ErrLayer, policies.LayerLandlock)
	}
	if err := checkpoint("cgroup"); err != nil {
		return err
	}
	s.plan, err = rootfs.Build(rootfs.Config{
		Filesystem: p.Filesystem, Disk: int64(p.Limits.Disk), HostNet: p.Network.Mode == policies.NetworkHost, CgroupView: s.group != nil, Hostname: hostname,
	})
	if err != nil {
		return err
	}
	s.landlock = landlock.Rules(s.plan.Access, s.plan.Canary)
	return nil
}

func wantsCgroup(l policies.Limits) bool {
	return l.Memory > 0 || l.CPUs > 0 || l.PIDs > 0 || l.IOWeight > 0 || len(l.IO) > 0 || l.CPUTime > 0
}

func (s *Sandbox) requires(layer policies.Layer) bool {
	if s.spec.BestEffort {
		return false
	}
	for _, l := range s.spec.Policy.Require {
		if l == layer {
			return true
		}
	}
	return false
}

// launch creates the container and runs mcpbox-init in it.
func (s *Sandbox) launch(undo *cleanup.Stack) error {
	if err := s.chooseIDs(s.state, undo); err != nil {
		return err
	}
	if err := checkpoint("ids"); err != nil {
		return err
	}
	executable, err := initbin.File()
	if err != nil {
		return &SetupError{Step: "mcpbox-init", Index: -1, Err: err}
	}
	conn, theirs, err := initproto.Pair()
	if err != nil {
		return &SetupError{Step: "control socket", Index: -1, Err: err}
	}
	undo.Push(func() { conn.Close() })
	defer theirs.Close()
	if err := checkpoint("control socket"); err != nil {
		return err
	}
	cfg := container.Config{
		ID: s.ID, StateDir: s.state, Plan: s.plan, IDs: s.ids, Rootless: os.Geteuid() != 0,
		HostNet: s.spec.Policy.Network.Mode == policies.NetworkHost, Hostname: hostname, Init: executable, Sealed: initbin.Sealed, Control: theirs,
	}
	if s.group != nil {
		cfg.Cgroup = s.group.InitPath()
	}
	s.container, err = container.Start(cfg)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	undo.Push(func() { s.container.Destroy() })
	if err := checkpoint("container"); err != nil {
		return err
	}
	s.conn = conn
	go s.receive()
	return nil
}

func (s *Sandbox) chooseIDs(state string, undo *cleanup.Stack) error {
	if os.Geteuid() != 0 {
		s.ids, s.idMap = userIDs(len(s.spec.Policy.Filesystem.Mounts) > 0), "single"
		if s.ids.Tool != 0 {
			s.idMap = "subordinate"
		}
	} else {
		ids, lock, err := rootIDs(state)
		if err != nil {
			return err
		}
		undo.Push(func() { lock.Close() })
		s.ids, s.idMap = ids, "range"
	}
	if s.group != nil {
		if err := s.group.AllowSpawn(s.ids.UID[0].Host, s.ids.GID[0].Host); err != nil {
			return &SetupError{Step: "cgroup", Index: -1, Err: err}
		}
	}
	return nil
}

// complete has mcpbox-init finish the root.
func (s *Sandbox) complete(ctx context.Context, undo *cleanup.Stack) error {
	box := s.open(0)
	if err := s.conn.Send(initproto.Message{Kind: initproto.Setup}, &s.plan.Setup); err != nil {
		return &SetupError{Step: "setup", Index: -1, Err: err}
	}
	// While PID 1 is at it, what a spawn needs to know.
	s.umask = callerUmask()
	filterFlags()
	m, err := s.await(ctx, box)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	if m.Kind != initproto.Ready || len(m.fds) != 1 {
		initproto.CloseAll(m.fds)
		return setupFault(m.Fault, s.setupEntry(int(m.Fault.Index)))
	}
	s.storage = m.fds[0]
	undo.Push(func() { unix.Close(s.storage) })
	return checkpoint("setup")
}

// setupEntry names the folder, file or link that a setup fault's index points at.
func (s *Sandbox) setupEntry(i int) string {
	set := s.plan.Setup
	switch {
	case i < len(set.Dirs):
		return set.Dirs[i].Path
	case i < len(set.Dirs)+len(set.Files):
		return set.Files[i-len(set.Dirs)].Path
	case i < len(set.Dirs)+len(set.Files)+len(set.Links):
		return set.Links[i-len(set.Dirs)-len(set.Files)].Path
	}
	return ""
}

// stop kills everything in the sandbox; the first reason given is the one in the result.
func (s *Sandbox) stop(why Status) {
	s.mu.Lock()
	if s.stopped == "" {
		s.stopped = why
	}
	s.mu.Unlock()
	if s.container != nil {
		s.container.Kill()
	}
	if s.group != nil {
		s.group.Kill()
	}
}

func (s *Sandbox) stopReason() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopped
}

func (s *Sandbox) respond(a monitor.Action, _ monitor.Event) {
	if a != monitor.Alert {
		s.stop(StatusViolation)
	}
}

// Close kills what still runs, waits for its end, and removes the sandbox from the host. It may be called twice.
func (s *Sandbox) Close() error {
	s.close.Do(func() {
		s.conn.Close() // PID 1 exits, and the kernel kills the rest
		s.closeErr = s.container.Destroy()
		s.undo.Run()
	})
	return s.closeErr
}
