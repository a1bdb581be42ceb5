package server_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/pool"
	mcpruntime "github.com/mcpbox/mcpbox/runtime"
	"github.com/mcpbox/mcpbox/server/api"
)

// cpu is what this process has used so far: daemon, pool and client are in it, sandboxes are not.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// side is one of two things that are measured in turn.
type side struct {
	run  func() error
	took []time.Duration
	cpu  time.Duration
}

func (s *side) once(b *testing.B) {
	began := time.Now()
	if err := s.run(); err != nil {
		b.Fatal(err)
	}
	s.took = append(s.took, time.Since(began))
}

func (s *side) median() time.Duration {
	slices.Sort(s.took)
	return s.took[len(s.took)/2]
}

func micro(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// BenchmarkSocket is what the socket, the API, the state and the client add to a call of the pool.
// The daemon says in Server-Timing how long the pool had the call; the rest of the client's time is
// what was added to this very call. The same call by a pool itself takes turns with it, for the CPU
// time that is added.
func BenchmarkSocket(b *testing.B) {
	policy, err := policies.Preset("standard")
	if err != nil {
		b.Fatal(err)
	}
	p := pool.New(pool.Config{BestEffort: true})
	defer p.Close()
	if err := p.Prepare(b.Context(), policy); err != nil {
		b.Fatal(err)
	}
	d := start(b, folder(b), "pool: {warm: [standard]}\n")
	direct := &side{run: func() error {
		cmd := mcpruntime.Command{Args: []string{"true"}}
		_, err := p.Run(b.Context(), pool.Call{Policy: policy, Command: cmd})
		return err
	}}
	added, overSocket := &side{}, d.http()
	socket := &side{run: func() error {
		began := time.Now()
		res, err := overSocket.Post("http://mcpbox/v1/executions", "application/json",
			strings.NewReader(`{"command": ["true"]}`))
		if err != nil {
			return err
		}
		defer res.Body.Close()
		var x api.Execution
		if err := json.NewDecoder(res.Body).Decode(&x); err != nil {
			return err
		}
		var work float64
		_, err = fmt.Sscanf(res.Header.Get("Server-Timing"), "work;dur=%f", &work)
		added.took = append(added.took, time.Since(began)-
			time.Duration(work*float64(time.Millisecond)))
		return err
	}}
	for b.Loop() {
		for _, s := range []*side{direct, socket} {
			used := cpu(b)
			s.once(b)
			time.Sleep(20 * time.Millisecond) // the pool builds its next cell: that counts, too
			s.cpu += cpu(b) - used
		}
	}
	b.ReportMetric(micro(direct.median()), "pool-µs")
	b.ReportMetric(micro(socket.median()), "socket-µs")
	b.ReportMetric(micro(added.median()), "added-µs")
	b.ReportMetric(micro(direct.cpu)/float64(b.N), "pool-cpu-µs")
	b.ReportMetric(micro(socket.cpu-direct.cpu)/float64(b.N), "added-cpu-µs")
	b.ReportMetric(0, "ns/op") // the pauses are in it
}

// BenchmarkFirstNode is the time from an API call to the output of the first `node -v`: in a new
// sandbox, in a cell of the pool, and, for comparison, without a sandbox. In turn.
func BenchmarkFirstNode(b *testing.B) {
	testhost.Need(b, "node")
	d := start(b, folder(b), "pool: {warm: [standard]}\n")
	command := []string{"node", "-v"}
	var boxes []string
	sides := map[string]*side{
		"bare-ms": {run: func() error { return exec.Command(command[0], command[1:]...).Run() }},
		"execution-ms": {run: func() error {
			_, err := d.Run(b.Context(), api.ExecutionRequest{Command: command})
			return err
		}},
		"sandbox-ms": {run: func() error {
			box, err := d.CreateSandbox(b.Context(), api.SandboxRequest{})
			if err != nil {
				return err
			}
			boxes = append(boxes, box.ID)
			_, err = d.Exec(b.Context(), box.ID, api.ExecRequest{Command: command})
			return err
		}},
	}
	for b.Loop() {
		for _, s := range sides {
			s.once(b)
		}
		for _, id := range boxes {
			if err := d.Destroy(b.Context(), id); err != nil {
				b.Fatal(err)
			}
		}
		boxes = nil
	}
	for name, s := range sides {
		b.ReportMetric(micro(s.median())/1000, name)
	}
	b.ReportMetric(0, "ns/op")
}
