package runtime

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/policies"
)

func TestACellHasTheCallsFilesAndThePolicysFolders(t *testing.T) {
	p := standard(t)
	p.Filesystem.Folders = []string{"/work/out"}
	box := cellBox(t, p)
	var out bytes.Buffer
	big := strings.Repeat("x", 3<<20)
	cmd := sh(`umask; cd /work; cat a/b/c run; wc -c < big; stat -c '%u %g %a' a/b a/b/c run out; echo y > out/y && ./run`)
	cmd.Stdout = &out
	cmd.Files = []File{{Path: "/work/a/b/c", Data: []byte("deep\n")},
		{Path: "/work/big", Data: []byte(big)},
		{Path: "/work/run", Data: []byte("#!/bin/sh\necho ran\n"), Mode: 0o755}}
	res := inCell(t, box, cmd)
	want := "0022\ndeep\n#!/bin/sh\necho ran\n3145728\n1000 1000 755\n1000 1000 644\n1000 1000 " +
		"755\n1000 1000 755\nran\n"
	if !res.Success || out.String() != want {
		t.Errorf("%s, got %q", res.Status, out.String())
	}
	out.Reset()
	if res := inCell(t, box, Command{Args: []string{"ls", "/work"}, Stdout: &out}); !res.Success ||
		out.String() != "out\n" {
		t.Errorf("the next cell has %q (%s)", out.String(), res.Status)
	}
}

func TestFilesThatACellCannotHaveAreRefused(t *testing.T) {
	p := standard(t)
	p.Limits.Disk = 1 << 20
	box := cellBox(t, p)
	for name, f := range map[string]File{
		"outside": {Path: "/etc/x"}, "above": {Path: "/work/../etc/x"}, "a folder": {Path: "/work"},
		"too large": {Path: "/work/x", Data: make([]byte, 2<<20)},
		"no name":   {Path: "/work/a\x00b"},
	} {
		cell := builtCell(t, box)
		cmd := sh("true")
		cmd.Files = []File{f}
		if _, err := cell.Start(t.Context(), cmd); err == nil {
			t.Errorf("%s: no error", name)
		} else if name == "too large" && (!errors.Is(err, unix.ENOSPC) || Hint(err) == "") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := startBox(t, standard(t)).Start(t.Context(), Command{Args: []string{"true"},
		Hold: true}); err == nil || Hint(err) == "" {
		t.Errorf("without a cell: %v", err)
	}
}

// A held program waits as long as it takes, and then has the limits of a call.
func TestAHeldProgramsClockBeginsWithItsCall(t *testing.T) {
	p := standard(t)
	p.Limits.Timeout = policies.Duration(300 * time.Millisecond)
	box := cellBox(t, p)
	hold := func(ctx context.Context, script string) (*Process, io.Writer, *onWrite) {
		t.Helper()
		cell := builtCell(t, box)
		read, write := io.Pipe()
		ready := &onWrite{ready: make(chan struct{})}
		cmd := sh(script)
		cmd.Hold, cmd.Stdin, cmd.Stdout = true, read, ready
		process, err := cell.Start(ctx, cmd)
		if err != nil {
			t.Fatal(err)
		}
		<-ready.ready
		return process, write, ready
	}
	// What it uses before its call is not the call's.
	script := `i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo ready; read a; [ "$a" = wait ] && sleep 100; exit "$a"`
	held, input, _ := hold(t.Context(), script)
	waited := time.Now()
	time.Sleep(400 * time.Millisecond) // longer than the timeout
	if err := held.Begin(t.Context(), []string{"call"}); err != nil {
		t.Fatal(err)
	}
	if err := held.Begin(t.Context(), nil); err == nil {
		t.Error("it began twice")
	}
	_, _ = io.WriteString(input, "7\n")
	res, _ := held.Wait()
	if res.ExitCode != 7 || res.Command[0] != "call" ||
		time.Duration(res.ExecutionTime) > 300*time.Millisecond ||
		res.Timestamp.Before(waited.UTC()) || time.Duration(res.CPUTime) >= held.waiting.before {
		t.Errorf("%+v", res)
	}
	held, input, _ = hold(t.Context(), script)
	if err := held.Begin(t.Context(), []string{"call"}); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(input, "wait\n")
	if res, _ := held.Wait(); res.Status != StatusTimeout {
		t.Errorf("%+v", res)
	}
	held, _, _ = hold(t.Context(), script)
	ctx, cancel := context.WithCancel(t.Context())
	if err := held.Begin(ctx, []string{"call"}); err != nil {
		t.Fatal(err)
	}
	cancel()
	if res, _ := held.Wait(); res.Status != StatusCanceled {
		t.Errorf("%+v", res)
	}
	ctx, cancel = context.WithCancel(t.Context())
	held, _, _ = hold(ctx, script)
	cancel()
	<-held.Done()
	if err := held.Begin(t.Context(), []string{"call"}); !errors.Is(err, ErrClosed) {
		t.Errorf("of an ended one: %v", err)
	}
}

// onWrite closes ready at the first write.
type onWrite struct {
	ready chan struct{}
	told  bool
}

func (b *onWrite) Write(p []byte) (int, error) {
	if !b.told {
		close(b.ready)
		b.told = true
	}
	return len(p), nil
}

// A program can serve several calls. Each has the limits and the usage of a call.
func TestAProgramYieldsForTheNextCall(t *testing.T) {
	p := standard(t)
	p.Limits.Timeout = policies.Duration(2 * time.Second)
	box := cellBox(t, p)
	cell := builtCell(t, box)
	read, write := io.Pipe()
	out := make(lines, 8)
	cmd := sh(`echo ready; while read -r line; do eval "$line"; echo done; done`)
	cmd.Hold, cmd.Stdin, cmd.Stdout = true, read, out
	held, err := cell.Start(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	<-out
	var ids []string
	for i, line := range []string{"x=1", "mount -t tmpfs x /tmp", "[ $x = 1 ]"} {
		if err := held.Begin(t.Context(), []string{"turn"}); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(write, line+"\n")
		<-out
		res, err := held.Yield(t.Context(), i)
		if err != nil || res.ExitCode != i || res.Success != (i == 0) || res.Command[0] != "turn" ||
			(len(res.Events) > 0) != (i == 1) {
			t.Errorf("turn %d: %v, %+v", i, err, res)
		}
		ids = append(ids, res.ExecutionID)
	}
	if ids[0] == ids[1] {
		t.Errorf("%v", ids)
	}
	if err := held.Begin(t.Context(), []string{"last"}); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(write, "sleep 100\n")
	if res, _ := held.Wait(); res.Status != StatusTimeout {
		t.Errorf("%+v", res)
	}
	if _, err := held.Yield(t.Context(), 0); !errors.Is(err, ErrClosed) {
		t.Errorf("of an ended one: %v", err)
	}
}

// lines passes on what is written.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}
