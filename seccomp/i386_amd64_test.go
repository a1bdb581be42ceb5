package seccomp

import (
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/int80"
	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
)

const i386Mkdir, i386Getpid = 39, 20

func victimI386() {
	low, err := unix.Mmap(-1, 0, unix.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_32BIT)
	if err != nil {
		panic(err)
	}
	copy(low, "/tmp/mcpbox-nothing\x00")
	say(syscall.Errno(-int80.Call(i386Mkdir, uint32(uintptr(unsafe.Pointer(&low[0]))), 0o755, 0)))
	say(syscall.Errno(-int80.Call(i386Getpid, 0, 0, 0)))
}

func TestI386CallsAreRefusedByName(t *testing.T) {
	testhost.Need(t, "ia32")
	calls, _, out := serve(t, policies.Syscalls{Default: policies.DefaultAllow}, "i386", nil)
	if out != "EPERM\nEPERM\n" {
		t.Errorf("the program saw %q", out)
	}
	if len(calls) != 2 || calls[0].Name != "mkdir" || calls[0].ArchName != "i386" ||
		calls[0].Number != i386Mkdir || calls[1].Name != "getpid" {
		t.Fatalf("reported: %+v", calls)
	}
	if got := calls[0].Paths; len(got) != 1 || got[0] != "/tmp/mcpbox-nothing" {
		t.Errorf("paths %q", got)
	}
}

func TestX32CallsAreRefusedByName(t *testing.T) {
	calls, _, out := serve(t, policies.Syscalls{Default: policies.DefaultAllow}, "x32", nil)
	if out != "EPERM\n" || len(calls) != 1 || calls[0].Name != "mkdir" ||
		calls[0].ArchName != "x32" {
		t.Errorf("the program saw %q, reported %+v", out, calls)
	}
}
