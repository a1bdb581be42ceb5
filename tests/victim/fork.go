package main

import (
	"os"
	"os/exec"
	"runtime"
	"sync"
)

// forkMany starts n children that live until all are started: a bounded fork bomb.
func forkMany(n int) error {
	var children []*exec.Cmd
	var release []*os.File
	defer func() {
		for _, w := range release {
			_ = w.Close()
		}
		for _, c := range children {
			_ = c.Wait()
		}
	}()
	for range n {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		child := exec.Command("/proc/self/exe", "linger", "60")
		child.Stdin = r
		err = child.Start()
		_ = r.Close()
		release = append(release, w)
		if err != nil {
			return err
		}
		children = append(children, child)
	}
	return nil
}

// threads starts n kernel threads that wait for each other. If the kernel refuses a thread, the Go
// runtime crashes (exit 2).
func threads(n int) error {
	var up, down sync.WaitGroup
	down.Add(1)
	for range n {
		up.Add(1)
		go func() {
			runtime.LockOSThread()
			up.Done()
			down.Wait()
		}()
	}
	up.Wait()
	down.Done()
	return nil
}
