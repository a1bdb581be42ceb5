package seccomp

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
)

// victimEnv names the victim that a re-executed test binary runs, under the filter on descriptor 3.
const victimEnv = "MCPBOX_TEST_SECCOMP_VICTIM"

func TestMain(m *testing.M) {
	if name := os.Getenv(victimEnv); name != "" {
		beVictim(name)
	}
	os.Exit(m.Run())
}

// beVictim installs the filter as the sandbox's PID 1 does, sends the parent the listener's number,
// waits for its release, and makes its calls on this one thread.
func beVictim(name string) {
	runtime.LockOSThread()
	act := victims()[name]
	if act == nil {
		fmt.Println("no such victim")
		os.Exit(1)
	}
	program, err := io.ReadAll(os.NewFile(3, "program"))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var out [16]byte
	fd := install(program)
	unix.Write(4, fmt.Appendf(out[:0], "%d\n", fd))
	var b [1]byte
	unix.Read(5, b[:])
	act()
	syscall.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
}

func install(program []byte) int {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	prog := unix.SockFprog{Len: uint16(len(program) / insnSize),
		Filter: (*unix.SockFilter)(unsafe.Pointer(&program[0]))}
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		panic(errno)
	}
	return int(fd)
}

// running is a victim under its filter that waits for its release.
type running struct {
	*Listener
	cmd    *exec.Cmd
	goPipe *os.File
	out    *strings.Builder
	done   chan struct{}
}

func start(t testing.TB, s policies.Syscalls, name string) *running {
	t.Helper()
	f, err := Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	programR, programW := pipe(t)
	numberR, numberW := pipe(t)
	goR, goW := pipe(t)
	out := new(strings.Builder)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), victimEnv+"="+name, "GOMAXPROCS=1", "GODEBUG=asyncpreemptoff=1",
		"GOGC=off")
	cmd.ExtraFiles = []*os.File{programR, numberW, goR}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	programR.Close()
	numberW.Close()
	goR.Close()
	go func() { _, _ = programW.Write(f.Program()); programW.Close() }()
	var number int
	if _, err := fmt.Fscan(numberR, &number); err != nil {
		_ = cmd.Wait()
		t.Fatalf("victim %s did not install its filter: %v\n%s", name, err, out)
	}
	pidfd, err := unix.PidfdOpen(cmd.Process.Pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	fd, err := unix.PidfdGetfd(pidfd, number, 0)
	if err != nil {
		t.Fatal(err)
	}
	l := NewListener(fd)
	t.Cleanup(l.Close)
	return &running{Listener: l, cmd: cmd, goPipe: goW, out: out, done: make(chan struct{})}
}

func pipe(t testing.TB) (r, w *os.File) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	return r, w
}

func (r *running) release() { r.goPipe.Close() }

// serve runs the victim to its end. It returns the refused calls and the victim's output.
func serve(t testing.TB, s policies.Syscalls, name string, decide func(*Call) Answer) ([]*Call,
	Stats, string) {
	t.Helper()
	r := start(t, s, name)
	var mu sync.Mutex
	var calls []*Call
	var waitErr error
	go func() { waitErr = r.cmd.Wait(); close(r.done) }()
	r.release()
	stats, err := r.Serve(context.Background(), func(c *Call) Answer {
		mu.Lock()
		defer mu.Unlock()
		calls = append(calls, c)
		if decide != nil {
			return decide(c)
		}
		return Answer{Errno: c.Errno}
	})
	if err != nil {
		t.Fatal(err)
	}
	<-r.done
	if waitErr != nil {
		t.Fatalf("victim %s: %v\n%s", name, waitErr, r.out)
	}
	return calls, stats, r.out.String()
}
