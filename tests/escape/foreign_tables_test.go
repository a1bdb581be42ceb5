package escape

import (
	"testing"

	"github.com/mcpbox/mcpbox/internal/testhost"
)

// On i386 number 310 is unshare, on x86-64 it is process_vm_readv: a filter that looks at the
// number alone is fooled.
func TestCannotUseTheSystemCallsOfI386(t *testing.T) {
	testhost.Need(t, "ia32")
	hold(t, claim{
		attack: `
	long r;
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(310), "b"(CLONE_NEWUSER) : "memory", "r8", "r9", "r10", "r11");
	if (r < 0) { errno = -r; refused("int 0x80"); }`,
		mayLack: "ENOSYS",
		events:  []string{"unshare"},
	})
}

func TestCannotUseTheSystemCallsOfX32(t *testing.T) {
	hold(t, claim{
		attack:  `TRY(syscall(0x40000000 | SYS_unshare, CLONE_NEWUSER));`,
		mayLack: "ENOSYS",
		events:  []string{"unshare"},
	})
}

func TestCannotHideACallBehindTheUpperHalfOfItsNumber(t *testing.T) {
	hold(t, claim{
		attack: `
	long r;
	register long flags __asm__("rdi") = CLONE_NEWUSER;
	__asm__ volatile("syscall" : "=a"(r) : "a"(0x100000000 | SYS_unshare), "r"(flags) : "rcx", "r11", "memory");
	if (r < 0) { errno = -r; refused("syscall"); }`,
		mayLack: "ENOSYS",
		events:  []string{"unshare"},
	})
}
