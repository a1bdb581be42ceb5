// Package sysmon makes the monitor thread of the Go runtime wake up less often, and saves threads.
//
//	import _ "github.com/mcpbox/mcpbox/internal/sysmon" // in package main
//
// While a Go program works, its monitor thread sleeps for 20 µs at a time. In fact it sleeps for
// 70 µs, because the kernel adds the timer slack of the thread. Each wake-up costs a timer
// interrupt and two context switches. A start has three Go processes, and they have some 400
// wake-ups. With a timer slack of 500 µs, there are 60. prctl(2), PR_SET_TIMERSLACK
//
// The slack must be that of the monitor alone: other threads of the Go runtime sleep for 3 µs when
// they look for work. The monitor is the first thread that the runtime creates. With cgo it calls
// pthread_create, which this package wraps. The monitor inherits the slack, and no other thread
// has it.
//
// libcontainer's init, which is this program again, also gets GOMAXPROCS=1. It sets that itself,
// but late: the Go runtime has two more threads by then, and stops the world for it.
//
// The monitor takes the processor (P) away from a goroutine whose system call takes long. That may
// happen 0.5 ms later now.
package sysmon

// #cgo LDFLAGS: -Wl,--wrap=pthread_create
import "C"
