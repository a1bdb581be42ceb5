package seccomp

import (
	"runtime"
	"sync"

	libseccomp "github.com/seccomp/libseccomp-golang"
)

// newest is the highest number with a name, in libseccomp's table and newerNames.
const newest = 511

// native returns the call's number on this machine. ok is false if it has none.
func native(name string) (int, bool) {
	nr, err := libseccomp.GetSyscallFromName(name)
	if err != nil {
		return newerNumber(name)
	}
	return int(nr), nr >= 0 // negative: another architecture's
}

// known reports whether some architecture has a call of that name.
func known(name string) bool {
	if _, err := libseccomp.GetSyscallFromName(name); err == nil {
		return true
	}
	_, ok := newerNumber(name)
	return ok
}

// nativeNames is indexed by number. It has "" where there is no call.
var nativeNames = sync.OnceValue(func() []string {
	names := make([]string, newest+1)
	for nr := range names {
		names[nr], _ = lookup(libseccomp.ArchNative, nr)
	}
	return names
})

func lookup(arch libseccomp.ScmpArch, nr int) (string, bool) {
	if name, err := libseccomp.ScmpSyscall(nr).GetNameByArch(arch); err == nil {
		return name, true
	}
	if arch == libseccomp.ArchX32 {
		nr &^= x32Bit
	}
	return newerName(nr)
}

func knownNames() []string {
	var out []string
	for _, n := range nativeNames() {
		if n != "" {
			out = append(out, n)
		}
	}
	return out
}

// Audit architectures (linux/audit.h) with which a tool can enter the kernel.
const (
	auditAMD64 = 0xc000003e
	auditI386  = 0x40000003
	auditARM64 = 0xc00000b7
	auditARM   = 0x40000028

	x32Bit = 0x40000000
)

// nativeAudit is the native architecture.
func nativeAudit() uint32 {
	if runtime.GOARCH == "arm64" {
		return auditARM64
	}
	return auditAMD64
}

// entryPoint returns the architecture of the entry by which a call entered the kernel; "" is the
// native one.
func entryPoint(auditArch uint32, nr int) (libseccomp.ScmpArch, string) {
	switch {
	case auditArch == auditAMD64 && nr >= 0 && nr&x32Bit != 0:
		return libseccomp.ArchX32, "x32"
	case auditArch == nativeAudit():
		return libseccomp.ArchNative, ""
	case auditArch == auditAMD64:
		return libseccomp.ArchAMD64, "amd64"
	case auditArch == auditI386:
		return libseccomp.ArchX86, "i386"
	case auditArch == auditARM64:
		return libseccomp.ArchARM64, "arm64"
	case auditArch == auditARM:
		return libseccomp.ArchARM, "arm"
	}
	return libseccomp.ArchInvalid, "unknown"
}

// SyscallName returns the call's name in the table of auditArch (AUDIT_ARCH_*). x32 calls are
// AUDIT_ARCH_X86_64 with bit 30 set.
func SyscallName(auditArch uint32, nr int) (string, bool) {
	arch, label := entryPoint(auditArch, nr)
	if label == "" {
		if nr < 0 || nr > newest {
			return "", false
		}
		name := nativeNames()[nr]
		return name, name != ""
	}
	if arch == libseccomp.ArchInvalid || nr < 0 {
		return "", false
	}
	return lookup(arch, nr)
}
