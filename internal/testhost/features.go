package testhost

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/int80"
)

// features maps each name to its probe. A probe runs once in a test binary.
var features = map[string]func() error{
	"root":          root,
	"sandbox":       sync.OnceValue(sandbox),
	"cgroup1":       cgroup1,
	"cgroup2":       cgroup2,
	"landlock":      landlock,
	"ia32":          ia32,
	"pty":           pty,
	"proc-children": procChildren,
	"disk":          disk,
	"rtprio":        sync.OnceValue(rtprio),
	"registry":      sync.OnceValue(registry),

	"chromium": program("chromium", "chromium"),
	"busybox":  program("busybox", "busybox-static"),
	"dmesg":    program("dmesg", "util-linux"),
	"gcc":      program("gcc", "gcc libc6-dev"),
	"curl":     program("curl", "curl"),
	"git":      program("git", "git"),
	"java":     program("java", "default-jdk-headless"),
	"lua":      program("lua", "lua5.4"),
	"go":       program("go", "golang-go"),
	"inotify":  program("inotifywait", "inotify-tools"),
	"ip":       program("ip", "iproute2"),
	"nsenter":  program("nsenter", "util-linux"),
	"systemd":  program("systemd-analyze", "systemd"),
	"losetup":  program("losetup", "mount"),
	"node":     program("node", "nodejs"),
	"npm":      program("npm", "npm"),
	"npx":      program("npx", "npm"),
	"perl":     program("perl", "perl"),
	"php":      program("php", "php-cli"),
	"python3":  program("python3", "python3"),
	"pip":      pip,
	"redis":    program("redis-server", "redis-server"),
	"sshd":     program("/usr/sbin/sshd", "openssh-server"),
	"postgres": sync.OnceValue(postgres),
	// Debian's Python, whatever else is in PATH
	"python-http": sync.OnceValue(pythonHTTP),
	// Debian's Rust, with packages of its own: nothing is downloaded
	"rust-ureq": sync.OnceValue(rustUreq),

	// Features that only the test itself can check: see Lacks.
	"address":       nothing, // an address that is not loopback's
	"inspector":     nothing, // the MCP inspector runs on this version of Node
	"new-interface": nothing, // a kernel interface that an older kernel lacks
	"language":      nothing, // an interpreter or compiler of mcpbox code
}

// Features returns the known names, sorted.
func Features() []string { return slices.Sorted(maps.Keys(features)) }

func nothing() error { return nil }

func program(name, packages string) func() error {
	return sync.OnceValue(func() error {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%w (apt-get install %s)", err, packages)
		}
		return nil
	})
}

func root() error {
	if os.Geteuid() != 0 {
		return errors.New("this test needs root")
	}
	return nil
}

// sandbox tries to create the namespaces of a sandbox with a fresh /proc.
func sandbox() error {
	out, err := exec.Command("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork",
		"--net", "--ipc", "--uts", "--mount-proc", "true").CombinedOutput()
	if err != nil {
		return fmt.Errorf("this host forbids sandboxes (see mcpbox doctor): unshare: %w: %s",
			err, strings.TrimSpace(string(out)))
	}
	return nil
}

func cgroup1() error {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		return errors.New("this host has cgroup v2 only")
	}
	return nil
}

// cgroup2 only looks for a mount. The test itself finds out whether this user may create cgroups in
// it.
func cgroup2() error {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	if !strings.Contains(string(data), " - cgroup2 ") {
		return errors.New("no cgroup v2 is mounted")
	}
	return nil
}

func landlock() error {
	const version = 1 // LANDLOCK_CREATE_RULESET_VERSION
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, version); errno != 0 {
		return fmt.Errorf("this kernel has no Landlock: %w", errno)
	}
	return nil
}

func ia32() error {
	if !int80.Available() {
		return errors.New("this kernel has no IA32 emulation: int $0x80 faults")
	}
	return nil
}

func pty() error {
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return f.Close()
}

func procChildren() error {
	if _, err := os.Stat("/proc/thread-self/children"); err != nil {
		return fmt.Errorf("this kernel lists no children in /proc: %w", err)
	}
	return nil
}

func disk() error {
	if os.Getenv("MCPBOX_TEST_DISK") == "" {
		return errors.New("MCPBOX_TEST_DISK names no folder on a separate disk")
	}
	return nil
}

// rtprio checks whether this user may give a program the right to real-time scheduling.
func rtprio() error {
	out, err := exec.Command("prlimit", "--rtprio=50", "true").CombinedOutput()
	if err != nil {
		return fmt.Errorf("prlimit --rtprio: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// pip checks whether the system's Python has it.
func pip() error {
	if err := exec.Command("/usr/bin/python3", "-m", "pip", "--version").Run(); err != nil {
		return fmt.Errorf("python3 -m pip: %w (apt-get install python3-pip)", err)
	}
	return nil
}

// postgres looks for the server, which is not in PATH.
func postgres() error {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // a fixed pattern
	if len(found) == 0 {
		return errors.New("no PostgreSQL (apt-get install postgresql)")
	}
	return nil
}

// pythonHTTP checks whether the system's Python has the HTTP libraries.
func rustUreq() error {
	found, err := filepath.Glob("/usr/share/cargo/registry/ureq-2.*")
	if err != nil || len(found) == 0 {
		return errors.New("no Rust package ureq (apt-get install cargo librust-ureq-dev)")
	}
	return program("/usr/bin/cargo", "cargo")()
}

func pythonHTTP() error {
	out, err := exec.Command("/usr/bin/python3", "-c",
		"import requests, httpx, aiohttp, websockets").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %.200s (apt-get install python3-requests python3-httpx "+
			"python3-aiohttp python3-websockets)", err, out)
	}
	return nil
}

// registry checks whether npm can download packages.
func registry() error {
	cmd := exec.Command("npm", "view", "is-odd", "version", "--fetch-retries=0",
		"--fetch-timeout=20000")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm view: %w: %.200s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
