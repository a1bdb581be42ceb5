package runtime

import (
	"bufio"
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
)

// leaves is a call that leaves what it can, and then waits.
const leaves = `
import ctypes, fcntl, os, socket, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
for d in ("/tmp", "/dev/shm", "/home/user", "/work"):
    open(d + "/left", "w").write("secret")
os.mkfifo("/tmp/fifo")
path = socket.socket(socket.AF_UNIX); path.bind("/tmp/socket"); path.listen()
abstract = socket.socket(socket.AF_UNIX); abstract.bind("\0left"); abstract.listen()
tcp = socket.socket(); tcp.bind(("127.0.0.1", 4711)); tcp.listen()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("127.0.0.1", 4712))
shared = libc.shmget(0x6d63, 4096, 0o1666)
queue = libc.msgget(0x6d63, 0o1666)
semaphores = libc.semget(0x6d63, 1, 0o1666)
libc.syscall(248, b"user", b"left", b"secret", 6, -3)  # add_key, the session keyring
lock = open("/tmp/lock", "w"); fcntl.flock(lock, fcntl.LOCK_EX)
master, slave = os.openpty()
print("ready", os.getpid(), flush=True)
time.sleep(1000)
`

// finds is a call that looks for what another one has left, and names it.
const finds = `
import ctypes, fcntl, os, socket, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def attack(name, f):
    try:
        if f(): print(name)
    except OSError: pass
def connects(family, kind, to):
    s = socket.socket(family, kind); s.settimeout(2); s.connect(to); return True
def at(call, *args):
    if call(*args) < 0: raise OSError(ctypes.get_errno())
    return True
def refused_udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("127.0.0.1", 4712)); s.send(b"x")
    time.sleep(0.05); s.send(b"x"); return True
def locked():
    f = open("/tmp/lock", "r")
    try: fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError: return True
def others():
    own, seen = {os.getpid(), os.getppid(), 1}, set()
    for p in os.listdir("/proc"):
        if p.isdigit() and int(p) not in own: seen.add(p)
    return seen
def signalled():
    own = {os.getpid(), os.getppid(), 1}
    return any(p not in own and not os.kill(p, 0) for p in range(2, 400) if os.path.isdir("/proc/%d" % p))
for d in ("/tmp", "/dev/shm", "/home/user", "/work"):
    attack("file " + d, lambda: open(d + "/left").read() == "secret")
attack("fifo", lambda: os.stat("/tmp/fifo"))
attack("socket", lambda: connects(socket.AF_UNIX, socket.SOCK_STREAM, "/tmp/socket"))
attack("abstract socket", lambda: connects(socket.AF_UNIX, socket.SOCK_STREAM, "\0left"))
attack("tcp", lambda: connects(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 4711)))
attack("udp", refused_udp)
attack("shared memory", lambda: at(libc.shmget, 0x6d63, 0, 0))
attack("message queue", lambda: at(libc.msgget, 0x6d63, 0))
attack("semaphores", lambda: at(libc.semget, 0x6d63, 0, 0))
attack("key", lambda: at(libc.syscall, 250, 10, -3, b"user", b"left", 0))  # KEYCTL_SEARCH
attack("lock", locked)
attack("pty", lambda: "0" in os.listdir("/dev/pts"))
attack("process", others)
attack("signal", signalled)
print("pid", os.getpid())
`

// attacks are what finds can find.
var attacks = []string{"file /tmp", "file /dev/shm", "file /home/user", "file /work", "fifo",
	"socket", "abstract socket", "tcp", "udp", "shared memory", "message queue", "semaphores",
	"key", "lock", "pty", "process", "signal"}

// permissive allows what the attacks need, so that namespaces and not the filter stop them.
func permissive(t *testing.T) *policies.Policy {
	t.Helper()
	p, err := policies.Preset("basic")
	if err != nil {
		t.Fatal(err)
	}
	p.Network.Mode = policies.NetworkNone
	p.Syscalls.Deny = nil
	return p
}

// waits starts a call, and returns when it is ready.
func waits(t *testing.T, start func(Command) (*Process, error)) *Process {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var stderr bytes.Buffer
	p, err := start(Command{Args: []string{"python3", "-c", leaves}, Stdout: w, Stderr: &stderr})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill(); _, _ = p.Wait() })
	if line, err := bufio.NewReader(r).ReadString('\n'); !strings.HasPrefix(line, "ready") {
		p.Kill()
		_, _ = p.Wait()
		t.Fatalf("%q, %v: %s", line, err, stderr.String())
	}
	return p
}

// found returns what a call finds of others.
func found(t *testing.T, start func(Command) (*Process, error)) string {
	t.Helper()
	var out, stderr bytes.Buffer
	p, err := start(Command{Args: []string{"python3", "-c", finds}, Stdout: &out,
		Stderr: &stderr})
	if err != nil {
		t.Fatal(err)
	}
	if res, err := p.Wait(); err != nil || !res.Success {
		t.Fatalf("%v, %+v: %s", err, res, stderr.String())
	}
	return out.String()
}

// Files, sockets of every kind, System V IPC, keys, locks, ptys, processes and their numbers: a
// call finds nothing of another one that runs in the same sandbox, nor of one that has ended. Two
// programs of one call find all of it.
func TestACallFindsNothingOfAnother(t *testing.T) {
	testhost.Need(t, "sandbox", "python3")
	cells := startBoxOf(t, permissive(t), 4)
	inCell := func(c Command) (*Process, error) {
		cell, err := cells.NewCell(t.Context())
		if err != nil {
			return nil, err
		}
		return cell.Start(t.Context(), c)
	}
	both := func(c Command) (*Process, error) {
		c.Args = []string{"sh", "-c",
			`python3 -c "$1" | { read -r _ pid; python3 -c "$2"; kill $pid; }`, "sh",
			leaves, finds}
		return inCell(c)
	}
	out := found(t, both)
	if at := strings.LastIndex(out, "pid "); at < 0 || out[:at] != strings.Join(attacks,
		"\n")+"\n" {
		t.Errorf("two programs of one call find of each other:\n%s", out)
	}
	ahead := builtCell(t, cells) // built before there is anything to find
	other := waits(t, inCell)
	for name, start := range map[string]func(Command) (*Process, error){
		"in a cell that was built before": func(c Command) (*Process, error) {
			return ahead.Start(t.Context(), c)
		},
		"in a cell that is built now": inCell,
	} {
		// Its number is always the same, so it says nothing of how many other calls there are.
		if out := found(t, start); out != "pid 2\n" {
			t.Errorf("%s, a call finds of another:\n%s", name, out)
		}
	}
	other.Kill()
	if _, err := other.Wait(); err != nil {
		t.Fatal(err)
	}
	if out := found(t, inCell); out != "pid 2\n" {
		t.Errorf("a call finds of an earlier one:\n%s", out)
	}
}
