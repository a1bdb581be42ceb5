package seccomp

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
)

func denying(names ...string) policies.Syscalls {
	return policies.Syscalls{Default: policies.DefaultAllow,
		Deny: []policies.SyscallRule{{Names: names}}}
}

func TestRefusedCallGetsItsErrnoAndIsReportedByName(t *testing.T) {
	tests := []struct {
		victim, name string
		args, paths  []string
	}{
		{"mkdir", "mkdir", []string{`"/tmp/mcpbox-nothing"`, "0755"},
			[]string{"/tmp/mcpbox-nothing"}},
		{"mount", "mount", []string{`"none"`, `"/mnt"`, `"tmpfs"`, "MS_NOSUID|MS_BIND", "0x0"},
			[]string{"none", "/mnt"}},
		{"ptrace", "ptrace", []string{"PTRACE_ATTACH", "1", "0x0", "0x0"}, nil},
		{"socket", "socket", []string{"AF_PACKET", "SOCK_RAW|SOCK_CLOEXEC", "3"}, nil},
		{"clone", "clone", []string{"CLONE_NEWNS|CLONE_NEWUSER|SIGCHLD", "0x0", "0x0", "0x0",
			"0x0"}, nil},
		{"openat", "openat", []string{"AT_FDCWD", `"etc/shadow"`, "O_RDWR|O_CREAT", "0600"},
			[]string{"etc/shadow"}},
	}
	for _, tt := range tests {
		t.Run(tt.victim, func(t *testing.T) {
			calls, stats, out := serve(t, denying(tt.name), tt.victim, nil)
			if out != "EPERM\n" {
				t.Errorf("the program saw %q", out)
			}
			if stats != (Stats{Seen: 1, Answered: 1}) || len(calls) != 1 {
				t.Fatalf("stats %+v, %d calls", stats, len(calls))
			}
			c := calls[0]
			if c.Name != tt.name || c.PID <= 0 || c.ArchName != "" || c.First {
				t.Errorf("reported %+v", c)
			}
			if !slices.Equal(c.Args, tt.args) {
				t.Errorf("args %q, want %q", c.Args, tt.args)
			}
			if !slices.Equal(c.Paths, tt.paths) {
				t.Errorf("paths %q, want %q", c.Paths, tt.paths)
			}
		})
	}
	if _, err := os.Stat("/tmp/mcpbox-nothing"); err == nil {
		t.Error("the refused mkdir happened")
	}
}

func TestFilterIsOnTheThread(t *testing.T) {
	if _, _, out := serve(t, denying("mkdir"), "inside", nil); out != "2\n" {
		t.Errorf("PR_GET_SECCOMP says %q", out)
	}
}

func TestSocketAddressesAreShown(t *testing.T) {
	calls, _, _ := serve(t, denying("connect"), "connect", nil)
	want := []string{`"/run/docker.sock"`, `"@x"`, "8.8.8.8:53", "[::1]:80"}
	for i, c := range calls {
		if c.Args[1] != want[i] {
			t.Errorf("address %d is %s, want %s", i, c.Args[1], want[i])
		}
	}
	if len(calls) != 4 || !slices.Equal(calls[0].Paths, []string{"/run/docker.sock"}) {
		t.Errorf("%d calls; paths %q", len(calls), calls[0].Paths)
	}
}

func TestUpperHalfOfANarrowArgumentDoesNotHideIt(t *testing.T) {
	s := policies.Syscalls{Default: policies.DefaultAllow, Deny: []policies.SyscallRule{
		{Names: []string{"ioctl"}, Args: []policies.ArgRule{{Index: 1, Op: "eq",
			Value: unix.TIOCSTI}}}}}
	calls, _, out := serve(t, s, "ioctl", nil)
	if out != "EPERM\n" || len(calls) != 1 || calls[0].Args[1] != "TIOCSTI" {
		t.Errorf("the program saw %q, reported %+v", out, calls)
	}
}

func TestClone3AnswersENOSYSUnreported(t *testing.T) {
	calls, _, out := serve(t, policies.Syscalls{Default: policies.DefaultAllow}, "clone3", nil)
	if out != "ENOSYS\n" || len(calls) != 0 {
		t.Errorf("the program saw %q, %d reported", out, len(calls))
	}
}

func TestNumberWithoutNameAnswersENOSYSReported(t *testing.T) {
	calls, _, out := serve(t, policies.Syscalls{Default: policies.DefaultAllow}, "newest", nil)
	if out != "ENOSYS\n" || len(calls) != 1 || calls[0].Number != 500 || calls[0].Name != "" {
		t.Errorf("the program saw %q, reported %+v", out, calls)
	}
}

func TestOnlyTheFirstExecveIsFirstAndContinues(t *testing.T) {
	calls, _, out := serve(t, denying("execve", "execveat"), "execve", func(c *Call) Answer {
		if c.First {
			return Answer{Continue: true}
		}
		return Answer{Errno: unix.EACCES}
	})
	// The first execve really starts a shell, which prints.
	if !strings.Contains(out, "hi") || len(calls) != 1 || !calls[0].First {
		t.Fatalf("output %q, reported %+v", out, calls)
	}
	if got, want := calls[0].Args[1], `["sh", "-c", "echo \x1b[31m\"hi\""]`; got != want {
		t.Errorf("argv %s, want %s", got, want)
	}
	calls, _, out = serve(t, denying("execve"), "execve", nil)
	if out != "EPERM\nEPERM\n" || len(calls) != 2 || !calls[0].First || calls[1].First {
		t.Errorf("output %q, reported %+v", out, calls)
	}
}

func TestHostileMemoryIsShownAsAddresses(t *testing.T) {
	calls, stats, out := serve(t, denying("mkdir", "execve", "connect"), "hostile", nil)
	if stats.Answered != 10 || strings.Count(out, "EPERM\n") != 10 {
		t.Fatalf("stats %+v, the program saw %q", stats, out)
	}
	for i, c := range calls[:6] {
		if !strings.HasPrefix(c.Args[0], "0x") || len(c.Paths) != 0 {
			t.Errorf("pointer %d: %q, paths %q", i, c.Args[0], c.Paths)
		}
	}
	if calls[6].Args[0] != `"\xff"` || calls[7].Args[0] != `"a\nmcpbox: all ok"` {
		t.Errorf("not escaped: %q %q", calls[6].Args[0], calls[7].Args[0])
	}
	if got := calls[8].Args[1]; got[0] != '[' || !strings.HasPrefix(got, "[0x8, 0x") {
		t.Errorf("argv %s", got)
	}
	if !strings.HasPrefix(calls[9].Args[1], "0x") {
		t.Errorf("sockaddr %s", calls[9].Args[1])
	}
}

func TestErrnoOfTheAnswerIsWhatTheProgramSees(t *testing.T) {
	for _, tt := range []struct {
		answer Answer
		want   string
	}{{Answer{Errno: unix.EACCES}, "EACCES\n"}, {Answer{}, "EPERM\n"}, {Answer{Errno: 1 << 20},
		"EPERM\n"}} {
		if _, _, out := serve(t, denying("mkdir"), "mkdir",
			func(*Call) Answer { return tt.answer }); out != tt.want {
			t.Errorf("%+v: the program saw %q", tt.answer, out)
		}
	}
}

func TestThousandsOfRefusalsAreAllAnswered(t *testing.T) {
	calls, stats, out := serve(t, denying("mkdir"), "many", nil)
	if out != "5000\n" || stats != (Stats{Seen: 5000, Answered: 5000}) || len(calls) != 5000 {
		t.Errorf("the program counted %q, stats %+v", out, stats)
	}
}

func TestServeEndsWhenTheTaskIsKilled(t *testing.T) {
	r := start(t, denying("mkdir"), "forever")
	r.release()
	stats, err := r.Serve(context.Background(), func(c *Call) Answer {
		_ = r.cmd.Process.Kill() // while its call waits for the answer
		_ = r.cmd.Wait()
		return Answer{Errno: c.Errno}
	})
	if err != nil || stats != (Stats{Seen: 1, Gone: 1}) {
		t.Errorf("%v, stats %+v", err, stats)
	}
}

func TestServeEndsWithItsContextAndWithClose(t *testing.T) {
	r := start(t, denying("mkdir"), "forever")
	ctx, cancel := context.WithCancel(context.Background())
	r.release()
	_, err := r.Serve(ctx, func(*Call) Answer { cancel(); return Answer{} })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	r = start(t, denying("mkdir"), "forever")
	r.release()
	stats, err := r.Serve(context.Background(),
		func(*Call) Answer { go r.Close(); return Answer{} })
	if err != nil || stats.Seen != 1 {
		t.Errorf("closed: %v %+v", err, stats)
	}
}
