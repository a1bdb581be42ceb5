package monitor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/monitor"
)

func open(t *testing.T, path string) monitor.Sink {
	t.Helper()
	sink, err := monitor.OpenJSONL(path)
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

const slow = "too slow"

// expectLoss records n events through sink. It expects that the loss is counted, with one warning
// that names the cause. With a slow sink, Close stops waiting when the healthy sink next to it has
// everything.
func expectLoss(t *testing.T, sink monitor.Sink, n int, cause string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	rec, whole := recorder(t, monitor.Config{Sinks: []monitor.Sink{sink}})
	if cause == slow { // a sink that hangs never finishes; one that fails does
		whole.done = cancel
	}
	for i := range n {
		rec.Record(refused(fmt.Sprintf("call_%d", i)))
	}
	stats := rec.Close(ctx)
	if stats.LinesLost == 0 || len(stats.Warnings) != 1 ||
		!strings.Contains(stats.Warnings[0], cause) {
		t.Errorf("stats %+v, want lost lines and one warning with %q", stats, cause)
	}
	if stats.Dropped != 0 || len(whole.snapshot()) < n {
		t.Errorf("the healthy sink got %d of %d lines, stats %+v", len(whole.snapshot()), n, stats)
	}
}

func TestTheEventFileIsPrivateAppendedAndOneObjectALine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	for range 2 {
		rec, _ := recorder(t, monitor.Config{Sinks: []monitor.Sink{open(t, path)}})
		rec.Record(refused("ptrace", "PTRACE_ATTACH", "1"))
		if stats := rec.Close(context.Background()); len(stats.Warnings) != 0 {
			t.Errorf("stats %+v", stats)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(data), []byte("\n"))
	if len(lines) != 2 {
		t.Fatalf("%d lines: %s", len(lines), data)
	}
	for _, line := range lines {
		var e monitor.Event
		if err := json.Unmarshal(line, &e); err != nil || e.Syscall.Name != "ptrace" {
			t.Errorf("%s: %v", line, err)
		}
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestTheEventFileIsNotOpenedThroughALinkNorWithoutAReader(t *testing.T) {
	dir := t.TempDir()
	link, fifo := filepath.Join(dir, "link"), filepath.Join(dir, "fifo")
	if err := errors.Join(os.Symlink(filepath.Join(dir, "target"), link),
		syscall.Mkfifo(fifo, 0o600)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		link: "is a symbolic link", fifo: "has no reader", filepath.Join(dir,
			"no/such"): "no such file", dir: "is a directory",
	} {
		_, err := monitor.OpenJSONL(path)
		if err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), path) || hint.Of(err) == "" {
			t.Errorf("%s: error %v, hint %q; want %q", path, err, hint.Of(err), want)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "target")); err == nil {
		t.Error("the link's target was created")
	}
}

func TestAFullDiskIsCountedAndTheRunContinues(t *testing.T) {
	expectLoss(t, open(t, "/dev/full"), 20, "no space left")
}

func TestAClosedPipeIsCountedAndTheRunContinues(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	expectLoss(t, monitor.NewJSONL(w), 20, "broken pipe")
}

func TestAReaderThatNeverReadsBlocksNothing(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	expectLoss(t, open(t, fifo), 700, slow) // 700 lines are more than a pipe holds
}

// stuck is a sink whose Emit never returns.
type stuck struct{ monitor.Sink }

func (stuck) Emit(monitor.Event) error { select {} }
func (stuck) Close() error             { return nil }

func TestASinkThatHangsForEverBlocksNeitherRecordNorClose(t *testing.T) {
	rec, err := monitor.New(monitor.Config{Sinks: []monitor.Sink{stuck{}}})
	if err != nil {
		t.Fatal(err)
	}
	const n = 3000
	for i := range n {
		e := refused(fmt.Sprintf("call_%d", i))
		e.Severity = monitor.High
		rec.Record(e)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	stats := rec.Close(ctx)
	if again := rec.Close(ctx); again.LinesLost != stats.LinesLost || stats.LinesLost == 0 ||
		len(stats.Warnings) != 1 {
		t.Errorf("stats %+v, then %+v", stats, again)
	}
}

func TestAClosedStderrIsCountedAndTheRunContinues(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	expectLoss(t, monitor.NewStderr(w), 20, "broken pipe")
	if err := w.Close(); err != nil {
		t.Errorf("the caller's stderr was closed with the sink: %v", err)
	}
}

func TestStderrLinesAreShortAndForPeople(t *testing.T) {
	var out bytes.Buffer
	rec, _ := recorder(t, monitor.Config{Sinks: []monitor.Sink{monitor.NewStderr(&out)}})
	e := refused("ptrace", "PTRACE_ATTACH", "1", "0x0", "0x0")
	e.PID, e.Comm, e.Call = 7, "python3", &monitor.Call{Tool: "read_note"}
	rec.Record(e)
	rec.Close(context.Background())
	const want = "mcpbox: event: high escape_attempt: ptrace(PTRACE_ATTACH, 1, 0x0, 0x0) → EPERM " +
		"by python3[7] in read_note\n"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out.String(), want)
	}
}

// tearing writes only a few bytes of its second line, like a disk that fills up, and then recovers.
type tearing struct {
	bytes.Buffer
	writes int
}

func (w *tearing) Write(p []byte) (int, error) {
	if w.writes++; w.writes == 2 {
		n, _ := w.Buffer.Write(p[:10])
		return n, syscall.ENOSPC
	}
	return w.Buffer.Write(p)
}

func (*tearing) Close() error { return nil }

func TestACutLineDamagesNoOtherLine(t *testing.T) {
	w := &tearing{}
	rec, _ := recorder(t, monitor.Config{Sinks: []monitor.Sink{monitor.NewJSONL(w)}})
	for i := range 4 {
		rec.Record(refused(fmt.Sprintf("call_%d", i)))
	}
	rec.Close(context.Background())
	events, bad, err := monitor.ReadEvents(&w.Buffer)
	if len(events) != 3 || bad != 1 || err != nil {
		t.Errorf("%d events, %d bad lines, %v", len(events), bad, err)
	}
}

func TestAReaderOfTheLogKeepsTheLastLineOfEachID(t *testing.T) {
	var log bytes.Buffer
	rec, _ := recorder(t, monitor.Config{Sinks: []monitor.Sink{monitor.NewJSONL(nopCloser{&log})}})
	for range 42 {
		rec.Record(refused("getpriority", "0"))
	}
	rec.Record(refused("getcwd"))
	rec.Close(context.Background())
	events, bad, err := monitor.ReadEvents(&log)
	if err != nil || bad != 0 || len(events) != 2 || events[0].Count != 42 || events[1].Count != 1 {
		t.Errorf("%+v, %d, %v", events, bad, err)
	}
}

func TestAFileWithoutEventsIsReadAsEmpty(t *testing.T) {
	junk := strings.Repeat("x", 3*monitor.MaxLine) +
		"\nnull\n{}\n[1]\n{\"type\":\"party\"}\n\n{\"type\":"
	events, bad, err := monitor.ReadEvents(strings.NewReader(junk))
	if len(events) != 0 || bad != 6 || err != nil {
		t.Errorf("%d events, %d bad lines, %v", len(events), bad, err)
	}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }
