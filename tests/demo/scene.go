package main

import (
	"net"
	"os"
	"path/filepath"
)

const (
	secretText = "launch code 0000"
	noteText   = "# Shopping\n\nbread, milk and a sandbox\n"
)

// scene is the host as the demo prepares it: notes, a secret next to them, and a service on
// loopback that records its visitors.
type scene struct {
	dir, notes, secret, events, result string
	listener                           net.Listener
	visits                             chan string // who reached the listener; closed with it
}

func newScene() (*scene, error) {
	dir, err := os.MkdirTemp("", "mcpbox-demo-")
	if err != nil {
		return nil, err
	}
	s := &scene{
		dir:    dir,
		notes:  filepath.Join(dir, "notes"),
		secret: filepath.Join(dir, "secret.txt"),
		events: filepath.Join(dir, "events.jsonl"),
		result: filepath.Join(dir, "result.json"),
	}
	for _, step := range []func() error{
		func() error { return os.Mkdir(s.notes, 0o755) },
		func() error {
			return os.WriteFile(filepath.Join(s.notes, "shopping.md"), []byte(noteText), 0o644)
		},
		func() error { return os.WriteFile(s.secret, []byte(secretText+"\n"), 0o644) },
		func() (err error) { s.listener, err = net.Listen("tcp", "127.0.0.1:0"); return err },
	} {
		if err := step(); err != nil {
			_ = os.RemoveAll(dir)
			return nil, err
		}
	}
	s.visits = make(chan string, 16) // more than a run can make, so the listener never waits
	go func() {
		defer close(s.visits)
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			s.visits <- conn.RemoteAddr().String()
			_ = conn.Close()
		}
	}()
	return s, nil
}

func (s *scene) close() {
	_ = s.listener.Close()
	_ = os.RemoveAll(s.dir)
}
