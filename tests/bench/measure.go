package main

import (
	"fmt"
	"slices"
	"sort"
	"time"
)

// sample is one turn of a candidate: wall clock, and, where the work is a process of its own, CPU
// time and page faults of it and all descendants that were waited for.
type sample struct {
	wall, cpu time.Duration
	faults    int64
}

// candidate is one of the things compared. turn does the work once.
type candidate struct {
	name string
	turn func() (sample, error)
	got  []sample
	err  error // the first failure: the candidate is out, and the table says why
}

// interleave gives every candidate its turn, rounds times, and stops early when the time is up: a
// figure from fewer rounds says so, a benchmark that never ends says nothing.
func interleave(rounds int, limit time.Duration, cs ...*candidate) {
	end := time.Now().Add(limit)
	for round := -1; round < rounds && (round < 5 || time.Now().Before(end)); round++ {
		for i := range cs {
			c := cs[(i+round+1)%len(cs)] // nobody always comes after the same neighbour
			if c.err != nil {
				continue
			}
			s, err := c.turn()
			if err != nil {
				c.err = err
			} else if round >= 0 { // round -1 warms up
				c.got = append(c.got, s)
			}
		}
	}
}

// timed makes a turn of a function.
func timed(f func() error) func() (sample, error) {
	return func() (sample, error) {
		began := time.Now()
		err := f()
		return sample{wall: time.Since(began)}, err
	}
}

func (c *candidate) sorted(of func(sample) time.Duration) []time.Duration {
	out := make([]time.Duration, len(c.got))
	for i, s := range c.got {
		out[i] = of(s)
	}
	sort.Slice(out, func(i, j int) bool { return out[i] < out[j] })
	return out
}

func wall(s sample) time.Duration { return s.wall }
func cpu(s sample) time.Duration  { return s.cpu }

func (c *candidate) median(of func(sample) time.Duration) time.Duration {
	return c.quantile(of, 0.5)
}

// faults is the median of page faults, 0 where they were not counted.
func (c *candidate) faults() int64 {
	n := make([]int64, len(c.got))
	for i, s := range c.got {
		n[i] = s.faults
	}
	if len(n) == 0 {
		return 0
	}
	slices.Sort(n)
	return n[len(n)/2]
}

func (c *candidate) min(of func(sample) time.Duration) time.Duration { return c.quantile(of, 0) }

func (c *candidate) quantile(of func(sample) time.Duration, q float64) time.Duration {
	s := c.sorted(of)
	if len(s) == 0 {
		return 0
	}
	return s[int(q*float64(len(s)-1))]
}

// ratio is one figure over another, "–" if either is missing.
func ratio(a, b time.Duration) string {
	if a == 0 || b == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f×", float64(a)/float64(b))
}
