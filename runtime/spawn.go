package runtime

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/rootfs"
	"github.com/mcpbox/mcpbox/runtime/internal/environ"
	"github.com/mcpbox/mcpbox/runtime/internal/fswatch"
	"github.com/mcpbox/mcpbox/runtime/internal/reopen"
	"github.com/mcpbox/mcpbox/runtime/internal/stdio"
	"github.com/mcpbox/mcpbox/runtime/internal/uncovered"
	"github.com/mcpbox/mcpbox/runtime/internal/verify"
	"github.com/mcpbox/mcpbox/runtime/internal/watchdog"
	"github.com/mcpbox/mcpbox/seccomp"
)

// cell is a program in the nested namespaces that mcpbox-init makes for it.
type cell struct {
	line
	c       *contained
	process *Process
	network *network // the one that it is in; nil: it reaches nothing outside
	tree    *tree
	reaper  int // PID 1 of its PID namespace, as this namespace sees it
	storage int // a descriptor of the file system that the disk limit is about
	// ownStorage: the descriptor is the cell's
	ownStorage bool
	pid        int // as this namespace sees it
	pidfd      int
	reopen     *reopen.Streams
	uncovered  *uncovered.Watcher
	files      *fswatch.Watcher
	master     *os.File      // of its pty, or nil
	served     chan struct{} // the notify loop has ended
	ended      chan struct{} // its end has been seen
	dead       chan struct{} // and that of the last process of a cell that was built ahead

	mu   sync.Mutex
	last *cgroups.Usage // after release
}

// line is how a cell is spoken to: through mcpbox-init, or, if it was built ahead, directly.
type line interface {
	// lock has the child put every layer on, and returns when it waits before its execve.
	lock(ctx context.Context, streams *stdio.Streams) (locked, error)
	exec(ctx context.Context) error
	wait() *exit
	// signalGroup is for the process group that the program leads.
	signalGroup(k *cell, sig unix.Signal) error
	kill()       // ends all that the program started, where mcpbox-init doesn't
	alone() bool // the cell can be ended without the sandbox's other processes
	hangUp()     // frees the line, after the end
}

// locked is a child that waits before its execve.
type locked struct {
	pidfd    int
	listener int // its number of the filter's descriptor, -1: none
	landlock bool
	master   *os.File // of its pty, or nil
	verified *verified
}

// verified is what was found on a locked child.
type verified struct {
	pid      int // as this namespace sees it
	layers   Layers
	listener int // this process's descriptor
}

func newCell(c *contained, p *Process, n *network, t *tree, l line) *cell {
	k := &cell{
		line:    l,
		c:       c,
		process: p,
		network: n,
		tree:    t,
		reaper:  c.container.PID,
		storage: c.storage,
		pidfd:   -1,
		served:  make(chan struct{}),
		ended:   make(chan struct{}),
		dead:    make(chan struct{}),
	}
	close(k.served)
	p.child = k // what the watchers see may end the process before it is started
	n.join(p)
	return k
}

func (c *contained) spawn(ctx context.Context, p *Process, streams *stdio.Streams) error {
	if c.inspected != nil {
		env := environ.Strings(c.plan.environment(p.cmd))
		if err := c.withoutSecrets(p.cmd, env); err != nil {
			return err
		}
	}
	tree, err := newTree(c.group, p.number, c.policy().Limits, 0)
	if err != nil {
		return setupError("cgroup", err)
	}
	tree.segments = func() int { return c.segments }
	tree.sockets = func() *watchdog.Sockets { return c.sockets }
	body := c.request(p.cmd, tree)
	k := newCell(c, p, c.network, tree, &initLine{c: c, number: p.number, body: body,
		inbox: c.conn.Open(p.number), tree: tree})
	if streams != nil {
		k.reopening(streams.FDs(), body)
	}
	return k.prepare(ctx, streams)
}

// prepare locks the child and admits it. On an error nothing is left of it.
func (k *cell) prepare(ctx context.Context, streams *stdio.Streams) error {
	l, err := k.lock(ctx, streams)
	if err == nil {
		if err = k.admit(l); err != nil {
			k.process.stop(StatusSetup) // a layer is not as it should be: nothing goes on here
		}
	}
	if err == nil {
		err = k.c.box.opts.passed("admitted")
	}
	if err != nil {
		k.kill()
		k.release()
	}
	return err
}

// program is what a request says of the command.
func (c *contained) program(cmd Command) *initproto.SpawnBody {
	body := &initproto.SpawnBody{Argv: cmd.Args, Env: environ.Strings(c.plan.environment(cmd)),
		Dir: cmp.Or(cmd.Dir, rootfs.Work), TTY: cmd.TTY, Umask: c.umask}
	if cmd.Umask != nil {
		body.Umask = *cmd.Umask
	}
	if cmd.TTY {
		if body.Rows, body.Cols = cmd.Rows, cmd.Cols; body.Rows == 0 {
			body.Rows, body.Cols = stdio.WindowSize(cmd.Stdin)
		}
	}
	return body
}

// request is what mcpbox-init needs to know.
func (c *contained) request(cmd Command, t *tree) *initproto.SpawnBody {
	body := c.program(cmd)
	body.OuterID, body.ToolID = c.ids.Tool, initproto.ToolID
	body.CloneFlags, body.InCgroup = c.plan.Namespaces.cloneFlags(), t.leaf != nil
	body.Mounts, body.Rlimits, body.Landlock = c.mounts(), t.rlimits(), c.plan.landlock
	body.Filter, body.FilterFlags = c.filter.Program(), filterFlags()
	if c.box.opts.tamper != nil {
		c.box.opts.tamper(body)
	}
	return body
}

// filterFlags: a listener, and, from Linux 5.19, waiting calls that only a fatal signal interrupts.
// Each other signal would restart the call and count it as another refusal. seccomp(2)
var filterFlags = sync.OnceValue(func() uint {
	const waitKillable = 1 << 5 // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	flags := uintptr(unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
	// Without a program: EFAULT if the flags are known, EINVAL if not.
	_, _, e := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags|waitKillable,
		0)
	if e == unix.EFAULT {
		flags |= waitKillable
	}
	return uint(flags)
})

// admit verifies the layers of the locked child, takes its listener and starts all watchers.
func (k *cell) admit(l locked) error {
	k.pidfd, k.master = l.pidfd, l.master
	if err := k.c.box.opts.passed("locked"); err != nil {
		return err
	}
	var err error
	v := l.verified
	if v == nil {
		if v, err = k.c.verified(l, k.tree); err != nil {
			return err
		}
	}
	k.pid, k.process.layers = v.pid, v.layers
	if err := k.watch(); err != nil { // before anything asks the watchdog about new tasks
		unix.Close(v.listener)
		return setupError("watch the limits", err)
	}
	k.serve(seccomp.NewListener(v.listener))
	if err := k.openStorage(); err != nil {
		return setupError("storage", err)
	}
	go k.watchDisk()
	if err := k.watchFiles(); err != nil {
		return setupError("watch files", err)
	}
	if err := k.watchMounts(); err != nil {
		return setupError("watch the mounts", err)
	}
	return nil
}

// verified verifies the layers of a locked child and takes its listener.
func (c *contained) verified(l locked, t *tree) (v *verified, err error) {
	v = &verified{}
	if v.pid, err = verify.PIDOf(l.pidfd); err != nil {
		return nil, setupError("verify", err)
	}
	if v.layers, err = c.verify(v.pid, t, l.landlock); err != nil {
		return nil, err
	}
	if l.listener < 0 {
		return nil, setupError("seccomp", ErrLayer)
	}
	limits := c.policy().Limits
	if !t.enforcedByCgroup("memory") && limits.Memory > 0 {
		// Between two looks of the watchdog the host's memory may run out: then the kernel takes
		// the tool first.
		preferForOOM(v.pid)
	}
	if !t.enforcedByCgroup("cpus") {
		confine(v.pid, limits)
	}
	if v.listener, err = unix.PidfdGetfd(l.pidfd, l.listener, 0); err != nil {
		return nil, setupError("seccomp listener", err)
	}
	return v, nil
}

// preferForOOM makes the process the first that the kernel ends when the host's memory runs out.
// proc_pid_oom_score_adj(5)
func preferForOOM(pid int) {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/oom_score_adj", unix.O_WRONLY|unix.O_CLOEXEC,
		0)
	if err == nil {
		_, _ = unix.Write(fd, []byte("1000"))
		unix.Close(fd)
	}
}

// watch begins to watch what a cgroup does not hold.
func (k *cell) watch() error {
	pid := k.pid
	if k.process.number > 1 && k.reaper == k.c.container.PID {
		pid = 0 // this watch sees the sandbox whole: the first one may know its own tree only
	}
	return k.tree.start(k.reaper, pid, k.process.breach)
}

// countFromNow is for a program that has waited for its call.
func (k *cell) countFromNow() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last != nil {
		return 0
	}
	used := cpuTime(k.pid)
	k.tree.countFromNow(used)
	return used
}

// cpuTime is what a process has used, 0 if that can't be known. clock_getcpuclockid(3)
func cpuTime(pid int) time.Duration {
	const scheduler = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if unix.ClockGettime(int32(^pid<<3|scheduler), &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// storageOf opens the storage of a process in a cell of its own. It returns -1 if there is none.
func (c *contained) storageOf(pid int) (fd int, err error) {
	folder := c.plan.root.Storage()
	if folder == "" {
		return -1, nil
	}
	return unix.Open("/proc/"+strconv.Itoa(pid)+"/root"+folder,
		unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
}

// openStorage finds the file system that a cell's disk limit is about, if it has one of its own.
func (k *cell) openStorage() error {
	if k.storage >= 0 {
		return nil
	}
	fd, err := k.c.storageOf(k.pid)
	if fd < 0 {
		return err
	}
	k.storage, k.ownStorage = fd, true
	return nil
}

// verify asks the kernel what holds for a child. landlocked is what the child proved on its canary.
func (c *contained) verify(pid int, t *tree, landlocked bool) (Layers, error) {
	its, err := verify.NamespacesOf(pid)
	if err != nil {
		return nil, err
	}
	of1, err := c.namespaces()
	if err != nil {
		return nil, err
	}
	found, err := verify.Layers(pid, c.ids.ToolUID, its)
	if err != nil {
		return nil, err
	}
	if err := verify.Rlimits(pid, t.rlimits()); err != nil {
		return nil, err
	}
	if t.leaf != nil {
		if err := t.leaf.Holds(pid); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrLayer, err)
		}
	}
	if err := verify.Mounts(pid, c.plan.root); err != nil {
		return nil, err
	}
	if err := verify.Apart(its, of1, c.plan.Namespaces.Program); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLayer, err)
	}
	found[policies.LayerLandlock] = landlocked
	p := c.policy()
	l := layersFrom(found)
	if p.Network.Mode == policies.NetworkHost && l[policies.LayerNetworkNamespace] == Absent {
		l[policies.LayerNetworkNamespace] = Off
	}
	l[policies.LayerCgroupLimits] = cgroupLayer(t.states())
	if err := l.mandatory(); err != nil {
		return nil, err
	}
	if c.box.spec.BestEffort {
		return l, nil
	}
	return l, l.require(p)
}

// serve answers the listener until the last process of the cell has ended.
func (k *cell) serve(listener *seccomp.Listener) {
	guard := &guard{cell: k, execAllowed: k.c.filter.AllowsExec()}
	k.served = make(chan struct{})
	go func() {
		defer close(k.served)
		defer listener.Close()
		if _, err := listener.Serve(context.Background(), guard.decide); err != nil {
			// Its calls are refused all the same (ENOSYS, without a listener), but nobody reports
			// them.
			k.process.stop(StatusSetup)
		}
	}()
}

// kill ends the program. mcpbox-init then kills what is left of the cell.
func (k *cell) kill() {
	if k.tree.leaf != nil {
		_ = k.tree.leaf.Kill()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last == nil {
		k.line.kill()
	}
	if k.pidfd >= 0 {
		_ = pidfd(k.pidfd).signal(unix.SIGKILL)
	}
}

func (k *cell) signal(sig unix.Signal, group bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.pidfd < 0:
		return os.ErrProcessDone
	case group:
		return k.signalGroup(k, sig) // it leads its session: setsid(2)
	}
	return pidfd(k.pidfd).signal(sig)
}

// awaitKill returns when the program can't go on any more.
func (k *cell) awaitKill() {
	if k.alone() {
		<-k.dead
		return
	}
	<-k.c.container.Done()
}

func (k *cell) release() {
	close(k.ended)
	k.checkDisk()
	k.tree.stop()
	k.uncovered.Stop()
	k.files.Stop()
	usage := k.tree.usage()
	k.mu.Lock()
	k.last = &usage
	if k.pidfd >= 0 {
		unix.Close(k.pidfd)
		k.pidfd = -1
	}
	k.mu.Unlock()
	if !k.alone() {
		k.takeDown()
		<-k.served
		k.network.end(k.process)
		k.tree.remove()
		return
	}
	// The end of a mount namespace waits for an RCU grace period: nobody has to wait for it here.
	// That the listener has come to its end means that no process of the program's is left.
	k.c.box.freeCell()
	k.c.ending.Go(func() {
		k.takeDown()
		k.tree.remove()
	})
	<-k.served
	if k.network != nil {
		k.network.end(k.process)
		k.c.ending.Go(k.network.close)
	}
}

// takeDown ends what is left of the cell, and closes its descriptors.
func (k *cell) takeDown() {
	k.hangUp()
	close(k.dead) // if it is alone: all its processes
	if k.ownStorage {
		unix.Close(k.storage)
	}
}

func (k *cell) root() string { return "/proc/" + strconv.Itoa(k.pid) + "/root" }

func (k *cell) usage() cgroups.Usage {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last != nil {
		return *k.last
	}
	return k.tree.usage()
}

func (k *cell) limits() map[string]LimitState { return k.tree.states() }

func (k *cell) terminal() *os.File { return k.master }
