package mcp_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// The budgets are for the proxy, not for the sandbox. Both servers take turns in the same run, and
// the figures are medians and ratios.

// BenchmarkLatency measures the additional time of a tools/call through the proxy. Budget: 150 µs.
func BenchmarkLatency(b *testing.B) {
	for _, c := range []struct{ name, rules string }{
		{"default", "{}"},
		{"allowlist+schema+wrap",
			"{tools: {allow: [echo]}, " +
				"parameters: {echo: {properties: {text: {maxLength: 100}}}}, " +
				"output: {mark: wrap}}"},
	} {
		b.Run(c.name, func(b *testing.B) {
			direct, through := bare(b), proxied(b, c.rules)
			measure := func(s *session) time.Duration {
				began := time.Now()
				if got, _ := s.call("echo", `{"text":"hello"}`); !strings.Contains(got, "hello") {
					b.Fatal(got)
				}
				return time.Since(began)
			}
			var x, y []time.Duration
			for i := range b.N + 50 {
				dx, dy := measure(direct), measure(through)
				if i >= 50 { // skip the warm-up
					x, y = append(x, dx), append(y, dy)
				}
			}
			report(b, "µs_direct", x)
			report(b, "µs_proxied", y)
			b.ReportMetric(float64(median(y)-median(x))/1e3, "µs_added")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkThroughput reads results of 1 MiB, one after the other. Budget: 0.8 of the direct
// throughput.
func BenchmarkThroughput(b *testing.B) {
	for _, c := range []struct{ name, rules string }{{"default", "{}"},
		{"unmarked", "{output: {mark: none}}"}, {"wrap", "{output: {mark: wrap}}"}} {
		b.Run(c.name, func(b *testing.B) {
			direct, through := bare(b), proxied(b, c.rules)
			measure := func(s *session) time.Duration {
				began := time.Now()
				if got, _ := s.call("big", fmt.Sprintf(`{"size":%d}`, 1<<20)); len(got) < 1<<20 {
					b.Fatal("short")
				}
				return time.Since(began)
			}
			var x, y []time.Duration
			for i := range b.N + 5 {
				dx, dy := measure(direct), measure(through)
				if i >= 5 {
					x, y = append(x, dx), append(y, dy)
				}
			}
			b.ReportMetric(float64(median(x))/float64(median(y)), "of_direct")
			b.ReportMetric(1e9/float64(median(y)), "MiB/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func report(b *testing.B, unit string, d []time.Duration) {
	b.ReportMetric(float64(median(d))/1e3, unit)
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
