package runtime

import (
	"context"
	"os"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/initproto"
	"github.com/mcpbox/mcpbox/runtime/internal/control"
	"github.com/mcpbox/mcpbox/runtime/internal/stdio"
)

// initLine talks to a cell through mcpbox-init, which makes the cell when the command is known.
type initLine struct {
	c      *contained
	number int
	body   *initproto.SpawnBody
	inbox  *control.Inbox
	tree   *tree
	child  *os.File // a socket to it, once it waits before its execve
}

// lock sends the request and waits until the child has every layer on.
func (l *initLine) lock(ctx context.Context, streams *stdio.Streams) (locked, error) {
	var fds []int
	if streams != nil {
		fds = streams.FDs()
	}
	if l.tree.leaf != nil {
		fds = append(fds, l.tree.leaf.FD())
	}
	m := initproto.Message{Kind: initproto.Spawn, Process: l.number}
	if err := l.c.conn.Send(m, l.body, fds...); err != nil {
		return locked{}, setupError("spawn", err)
	}
	told, err := l.inbox.Next(ctx)
	if err != nil {
		l.kill() // should it be locked after all
		return locked{}, err
	}
	if told.Kind != initproto.Locked || len(told.FDs) < 2 {
		told.Close()
		return locked{}, l.c.spawnError(told.Fault, l.body)
	}
	out := locked{pidfd: told.FDs[0], listener: told.Listener, landlock: told.Landlock}
	if told.TTY && len(told.FDs) > 2 {
		out.master = os.NewFile(uintptr(told.FDs[2]), "pty")
	}
	if l.child, err = pollable(told.FDs[1], "child"); err != nil {
		l.kill()
		unix.Close(out.pidfd)
		out.master.Close() // nil is refused
		return locked{}, setupError("spawn", err)
	}
	return out, nil
}

// exec lets the child call execve.
func (l *initLine) exec(ctx context.Context) error {
	return letExec(ctx, l.child, func(r initproto.Record) error {
		return l.c.spawnError(faultOf(r), l.body)
	})
}

func (l *initLine) wait() *exit {
	for {
		m, err := l.inbox.Next(context.Background())
		if err != nil {
			return nil
		}
		m.Close()
		if e := m.Exit; e != nil {
			return exitOf(e)
		}
	}
}

// signalGroup asks mcpbox-init, which removes a pid from its table before the pid can be reused.
func (l *initLine) signalGroup(_ *cell, sig unix.Signal) error {
	m := initproto.Message{Kind: initproto.Signal, Process: l.number, Signal: int(sig), Group: true}
	return l.c.conn.Send(m, nil)
}

// kill asks mcpbox-init to kill a child whose pidfd has not arrived yet.
func (l *initLine) kill() {
	m := initproto.Message{Kind: initproto.Signal, Process: l.number, Signal: int(unix.SIGKILL)}
	_ = l.c.conn.Send(m, nil)
}

func (l *initLine) alone() bool { return false }

func (l *initLine) hangUp() {
	l.inbox.Close()
	l.child.Close() // nil is refused
}
