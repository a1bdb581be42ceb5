package resident

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/peer"
)

// ErrCold is what a handler returns for a command that the front has to start itself.
var ErrCold = errors.New("to be started by the front")

// Handler runs a request's command and returns its exit code. signals is closed when the front is
// gone.
type Handler func(ctx context.Context, r *Request, signals <-chan Signal) (code int, err error)

// Resident listens for fronts of one executable.
type Resident struct {
	listener *net.UnixListener
	path     string
}

// Path is where the resident of this executable listens, below a state folder.
func Path(stateDir string) (string, error) {
	var st unix.Stat_t
	if err := unix.Stat("/proc/self/exe", &st); err != nil {
		return "", err
	}
	name := fmt.Sprintf("resident-%x-%x", st.Ino, uint64(st.Mtim.Nano()))
	return filepath.Join(stateDir, name), nil
}

// Listen fails if there is a resident already.
func Listen(stateDir string) (*Resident, error) {
	path, err := Path(stateDir)
	if err != nil {
		return nil, err
	}
	if Listening(stateDir) == nil {
		return nil, hint.Errorf("use it: mcpbox run --resident -- COMMAND",
			"a resident of this user listens on %s", path)
	}
	_, _ = Collect(stateDir) // of other executables' residents, too
	// Of two that start at once, each makes a socket of its own name. The later one stays.
	own := fmt.Sprintf("%s.%d", path, os.Getpid())
	_ = os.Remove(own)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: own, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(own, 0o600); err == nil {
		err = os.Rename(own, path)
	}
	if err != nil {
		l.Close()
		_ = os.Remove(own)
		return nil, err
	}
	return &Resident{listener: l, path: path}, nil
}

// Serve handles requests until ctx ends or none has come for the idle time. It returns when all
// have ended.
func (r *Resident) Serve(ctx context.Context, idle time.Duration, handle Handler) error {
	var work sync.WaitGroup
	defer work.Wait()
	defer r.close()
	busy := newIdleness(idle, func() { r.listener.Close() })
	stop := context.AfterFunc(ctx, func() { r.listener.Close() })
	defer stop()
	for {
		c, err := r.listener.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		busy.begin()
		work.Go(func() {
			defer busy.end()
			serve(ctx, c, handle)
		})
	}
}

// close removes the socket, if it is still this resident's.
func (r *Resident) close() {
	if c, err := net.Dial("unix", r.path); err != nil {
		_ = os.Remove(r.path)
	} else {
		c.Close()
	}
}

func serve(ctx context.Context, c *net.UnixConn, handle Handler) {
	f, err := c.File() // blocking, and ours alone
	c.Close()
	if err != nil {
		return
	}
	defer f.Close()
	fd := int(f.Fd())
	front, err := peer.Of(fd)
	if err != nil || front.UID != os.Geteuid() || front.Elsewhere {
		return // another user, or a tool with this user's id
	}
	// Half a request does not hold a place for ever.
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5})
	request, err := read(fd)
	if err != nil {
		return
	}
	defer request.Close()
	if !sameView(front.PID) {
		reply(fd, replyCold, 0)
		return
	}
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{})
	got := make(chan Signal, 16)
	go signals(fd, got)
	code, err := handle(ctx, request, got)
	kind := uint32(replyExit)
	if errors.Is(err, ErrCold) {
		kind = replyCold
	}
	reply(fd, kind, int32(code))
	_ = unix.Shutdown(fd, unix.SHUT_RDWR) // the reader of signals ends
	for range got {
	}
}

// sameView reports whether the front sees the same files as this process: paths of the one are to
// be those of the other. mount_namespaces(7), chroot(2)
func sameView(front int) bool {
	dir := "/proc/" + strconv.Itoa(front)
	its, err := os.Readlink(dir + "/ns/mnt")
	own, err2 := os.Readlink("/proc/self/ns/mnt")
	var a, b unix.Stat_t
	return err == nil && err2 == nil && its == own && unix.Stat(dir+"/root", &a) == nil &&
		unix.Stat("/", &b) == nil && a.Dev == b.Dev && a.Ino == b.Ino
}

// In calls f with the request's working directory as the current one: of f alone.
func (r *Request) In(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its folder
		err := unix.Unshare(unix.CLONE_FS)
		if err == nil {
			err = unix.Fchdir(int(r.Dir.Fd()))
		}
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// idleness calls expired when nothing has been going on for a time.
type idleness struct {
	after   time.Duration
	mu      sync.Mutex
	running int
	timer   *time.Timer
}

func newIdleness(after time.Duration, expired func()) *idleness {
	return &idleness{after: after, timer: time.AfterFunc(after, expired)}
}

func (i *idleness) begin() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.running++; i.running == 1 {
		i.timer.Stop()
	}
}

func (i *idleness) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.running--; i.running == 0 {
		i.timer.Reset(i.after)
	}
}
