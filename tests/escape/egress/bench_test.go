package egress

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testnet"
)

// measure runs the client in a sandbox, rounds times in turn for each set of flags, and returns the
// medians of what it prints. The first argument of flags is the host:port.
func (w *world) measure(b *testing.B, rounds int, mode []string, candidates ...[]string) []float64 {
	b.Helper()
	w.client(b)
	got := make([][]float64, len(candidates))
	for range rounds {
		for i, flags := range candidates {
			command := append([]string{"/data/client", mode[0], flags[0]}, mode[1:]...)
			r := w.mcpbox(slices.Concat([]string{"-q", "--cpus", "0"}, flags[1:],
				[]string{"--"}, command)...)
			v, err := strconv.ParseFloat(strings.TrimSpace(r.stdout), 64)
			if err != nil {
				b.Fatalf("%v: %s%s", flags, r.stdout, r.stderr)
			}
			got[i] = append(got[i], v)
		}
	}
	medians := make([]float64, len(got))
	for i, values := range got {
		slices.Sort(values)
		medians[i] = values[len(values)/2]
	}
	return medians
}

// client builds the measuring program, and returns its path.
func (w *world) client(b testing.TB) string {
	b.Helper()
	client := filepath.Join(w.dir, "client")
	build := exec.Command("go", "build", "-o", client, "./client")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return client
}

// The first byte that comes back: through mcpbox, against directly from a sandbox with the host's
// network.
func BenchmarkFirstByte(b *testing.B) {
	w := newWorld(b)
	serve(w.Listen(testnet.Public+":7000"), echo)
	for b.Loop() {
		m := w.measure(b, 5, []string{"latency", "300"}, []string{testnet.Public + ":7000",
			"--network", "host"},
			[]string{testnet.Public + ":7000", "--allow-net", testnet.Public + ":7000"},
			[]string{api + ":7000", "--network", "host"}, []string{api + ":7000", "--allow-net",
				api + ":7000"})
		b.ReportMetric(m[0], "µs_direct")
		b.ReportMetric(m[1]-m[0], "µs_added")
		b.ReportMetric(m[2], "µs_direct_by_name")
		b.ReportMetric(m[3]-m[2], "µs_added_by_name")
	}
}

// One connection's throughput: through mcpbox, against a relay of ten lines of Go that splices, and
// is a process of its own as mcpbox is.
func BenchmarkThroughput(b *testing.B) {
	w := newWorld(b)
	block := make([]byte, 1<<20)
	serve(w.Listen(testnet.Public+":7000"), func(c net.Conn) {
		for range 1024 {
			if _, err := c.Write(block); err != nil {
				return
			}
		}
	})
	relay := w.Command(w.client(b), "relay", "127.0.0.1:7001", testnet.Public+":7000")
	if err := relay.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		relay.Process.Kill()
		relay.Wait()
	}()
	for b.Loop() {
		m := w.measure(b, 7, []string{"throughput"},
			[]string{testnet.Public + ":7000", "--network", "host"},
			[]string{"127.0.0.1:7001", "--network", "host"}, []string{testnet.Public + ":7000",
				"--allow-net", testnet.Public + ":7000"})
		b.ReportMetric(m[0], "MB/s_direct")
		b.ReportMetric(m[1], "MB/s_plain_relay")
		b.ReportMetric(m[2], "MB/s_mcpbox")
		b.ReportMetric(m[2]/m[1], "of_plain_relay")
	}
}

// What a network by name costs a sandbox that does not use it: time of its start, and memory of its
// processes.
func BenchmarkIdle(b *testing.B) {
	w := newWorld(b)
	for b.Loop() {
		var setup, small, huge [2][]float64
		for range 15 {
			for i, flags := range [][]string{{}, {"--allow-net", api}} {
				s, m, h := w.idle(b, flags)
				setup[i], small[i] = append(setup[i], s), append(small[i], m)
				huge[i] = append(huge[i], h)
			}
		}
		median := func(v []float64) float64 { slices.Sort(v); return v[len(v)/2] }
		b.ReportMetric(median(setup[1])-median(setup[0]), "ms_added")
		// Apart: the kernel gives one huge page more or less, as it has some, to either of the two.
		b.ReportMetric(median(small[1])-median(small[0])+median(huge[1])-median(huge[0]),
			"MiB_added")
	}
}

// idle is the time until the program runs, in ms, and the memory of mcpbox and PID 1, in MiB: in
// ordinary pages, and in huge ones.
func (w *world) idle(b *testing.B, flags []string) (ms, small, huge float64) {
	b.Helper()
	began := time.Now()
	cmd := w.Command(slices.Concat([]string{mcpbox(b), "run", "-q"}, flags, []string{"--", "sh",
		"-c", "echo; exec cat"})...)
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	defer cmd.Wait()
	defer in.Close()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		b.Fatal(err)
	}
	ms = float64(time.Since(began).Microseconds()) / 1e3
	pids := []string{strconv.Itoa(cmd.Process.Pid)}
	for i := 0; i < len(pids) && i < 2; i++ { // mcpbox, and its child
		data, err := os.ReadFile(fmt.Sprintf("/proc/%s/smaps_rollup", pids[i]))
		if err != nil {
			b.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			f := strings.Fields(line)
			kib, _ := strconv.ParseFloat(f[1], 64) // of the first line, an address: not used
			switch f[0] {
			case "Pss:":
				small += kib / 1024
			case "AnonHugePages:":
				small -= kib / 1024
				huge += kib / 1024
			}
		}
		tasks, _ := filepath.Glob("/proc/" + pids[i] + "/task/*/children")
		for _, path := range tasks {
			children, _ := os.ReadFile(path)
			pids = append(pids, strings.Fields(string(children))...)
		}
	}
	return ms, small, huge
}
