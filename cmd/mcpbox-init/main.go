package main

import (
	"errors"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
)

const controlFD = 3

func main() {
	runtime.MemProfileRate = 0 // otherwise it keeps tables that nobody reads
	if err := run(); err != nil {
		os.Stderr.WriteString("mcpbox-init: " + err.Error() + "\n")
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) == 3 && os.Args[1] == initproto.Mounts && os.Args[2] == initproto.Version {
		return serveMounts()
	}
	if os.Getpid() != 1 {
		return errors.New("this is PID 1 of a sandbox and is started by mcpbox only")
	}
	if len(os.Args) != 2 || os.Args[1] != initproto.Version {
		os.Exit(initproto.ExitVersion)
	}
	// Not dumpable, so that a tool with the same kernel uid (single-id map) can't ptrace it or read
	// /proc/1.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl(PR_SET_DUMPABLE)", err)
	}
	if err := unix.CloseRange(controlFD+1, ^uint(0), 0); err != nil {
		return os.NewSyscallError("close_range", err)
	}
	conn, err := initproto.FromFD(controlFD)
	if err != nil {
		return err
	}
	in := &initProcess{conn: conn, dialling: make(chan struct{}, connecting),
		running: map[int]*process{},
		shared:  map[int]*borrowed{}}
	go in.reap(childEnds())
	return in.serve()
}

type initProcess struct {
	conn     *initproto.Conn
	dialling chan struct{} // a place each for connect

	mu      sync.Mutex
	running map[int]*process  // by pid in this namespace
	shared  map[int]*borrowed // children that run in this process's memory still
}

// process is a started child. It waits until the supervisor lets it call execve.
type process struct {
	number int
	pid    int
	warm   bool // the reaper of a cell with a PID namespace of its own

	// Counts who still has to tell how the start went: that comes before the exit, which would hide
	// why it failed.
	untold sync.WaitGroup
}

// serve handles requests in their order until the supervisor closes the socket.
func (in *initProcess) serve() error {
	for {
		m, body, fds, err := in.conn.Receive()
		if err != nil {
			return nil // the supervisor has ended; our exit ends the namespace
		}
		switch m.Kind {
		case initproto.Setup:
			in.setup(body)
		case initproto.Network:
			in.network(body)
		case initproto.Connect:
			in.connect(m.Process, m.Port)
		case initproto.Spawn:
			in.spawn(m.Process, body, fds)
		case initproto.Build:
			in.build(m.Process, body, fds)
		case initproto.Mask:
			in.mask(m.Process, body)
		case initproto.Watch:
			in.watch(m.Process, body, fds)
		case initproto.Signal:
			in.signal(m)
		}
		initproto.CloseAll(fds)
	}
}

func (in *initProcess) fail(number int, f initproto.Fault) {
	_ = in.conn.Send(initproto.Message{Kind: initproto.Failed, Process: number, Fault: f}, nil)
}

func (in *initProcess) signal(m initproto.Message) {
	// Under the lock, because reap removes a pid from the table before it can be reused.
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, p := range in.running {
		if p.number != m.Process {
			continue
		}
		to := p.pid
		if m.Group {
			to = -to // it leads its session: setsid(2)
		}
		unix.Kill(to, unix.Signal(m.Signal))
	}
}
