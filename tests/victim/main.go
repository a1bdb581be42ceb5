// Command victim misbehaves on purpose: each sub-command breaks one limit or one rule of a sandbox,
// and prints the outcome. It is static, so that it runs in any rootfs.
//
//	CGO_ENABLED=0 go build -o bin/victim ./tests/victim
//	victim NAME [ARG…]
//
// Exit codes: 0 the action succeeded, 1 it was refused (the line has the errno), 2 wrong usage. Run
// it without a sandbox only if the action does no harm: arguments bound what it uses, but mount and
// ptrace act on the given folder or process.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) < 2 {
		usage()
	}
	args := os.Args[2:]
	switch os.Args[1] {
	case "alloc":
		report("alloc", alloc(number(args, 0, 1024)))
	case "fork":
		report("fork", forkMany(number(args, 0, 200)))
	case "threads":
		report("threads", threads(number(args, 0, 200)))
	case "hold":
		report("hold", hold(number(args, 0, 100), number(args, 1, 1)))
	case "spin":
		spin(number(args, 0, 60))
	case "burn":
		burn(number(args, 0, 1000))
	case "fill":
		report("fill", fill(text(args, 0, "/tmp"), number(args, 1, 1024)))
	case "bigfile":
		report("bigfile", bigFile(text(args, 0, "/tmp/big"), number(args, 1, 1024)))
	case "openfiles":
		report("openfiles", openFiles(number(args, 0, 4096)))
	case "flood":
		report("flood", flood(number(args, 0, 64)))
	case "ptrace":
		report("ptrace", ptrace(number(args, 0, 1)))
	case "mount":
		report("mount", mount(text(args, 0, "/tmp")))
	case "unshare":
		report("unshare", unshare())
	case "sockets":
		sockets()
	case "survivor":
		report("survivor", survivor(number(args, 0, 60)))
	case "linger": // a child of fork
		linger(number(args, 0, 60))
	default:
		usage()
	}
}

func usage() {
	fmt.Fprintln(
		os.Stderr,
		"usage: victim alloc MIB | hold MIB SECONDS | fork N | "+
			"threads N | spin SECONDS | burn MS | fill DIR MIB | bigfile PATH MIB |\n"+
			"              openfiles N | flood MIB | "+
			"ptrace PID | mount DIR | unshare | sockets | survivor SECONDS",
	)
	os.Exit(2)
}

// report prints the outcome and ends the program.
func report(deed string, err error) {
	if err == nil {
		fmt.Println(deed + ": done")
		os.Exit(0)
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		fmt.Printf("%s: refused: %s (%v)\n", deed, unix.ErrnoName(errno), err)
	} else {
		fmt.Printf("%s: refused: %v\n", deed, err)
	}
	os.Exit(1)
}

func number(args []string, i, fallback int) int {
	if i >= len(args) {
		return fallback
	}
	n, err := strconv.Atoi(args[i])
	if err != nil || n < 0 {
		usage()
	}
	return n
}

func text(args []string, i int, fallback string) string {
	if i >= len(args) {
		return fallback
	}
	return args[i]
}
