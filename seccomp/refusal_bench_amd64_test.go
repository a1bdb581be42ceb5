package seccomp

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// BenchmarkRefusal measures, in the victim, a refused mkdir that is decoded and answered.
func BenchmarkRefusal(b *testing.B) {
	r := start(b, denying("mkdir"), "timed")
	done := make(chan error, 1)
	go func() { done <- r.cmd.Wait() }()
	r.release()
	if _, err := r.Serve(context.Background(),
		func(c *Call) Answer { return Answer{Errno: c.Errno} }); err != nil {
		b.Fatal(err)
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	median, err := strconv.Atoi(strings.TrimSpace(r.out.String()))
	if err != nil {
		b.Fatal(fmt.Errorf("victim said %q", r.out))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(median), "median-ns/refusal")
}
