package main

import (
	"errors"
	"strings"
	"testing"
)

func follow(t *testing.T, lines ...string) (*tally, string, string) {
	t.Helper()
	var c tally
	var said, summary strings.Builder
	if err := c.read(strings.NewReader(strings.Join(lines, "\n")+"\n"), &said); err != nil {
		t.Fatal(err)
	}
	c.print(&summary)
	return &c, said.String(), summary.String()
}

func TestASkippedTestIsListedWithItsReason(t *testing.T) {
	_, said, summary := follow(t,
		`{"Action":"run","Package":"x/mcpbox/mcpbox/a","Test":"TestA"}`,
		`{"Action":"output","Package":"x/mcpbox/mcpbox/a","Test":"TestA","Output":"=== RUN   TestA\n"}`,
		`{"Action":"output","Package":"x/mcpbox/mcpbox/a","Test":"TestA","Output":"    a_test.go:7: npm: not found\n"}`,
		`{"Action":"output","Package":"x/mcpbox/mcpbox/a","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}`,
		`{"Action":"skip","Package":"x/mcpbox/mcpbox/a","Test":"TestA"}`,
		`{"Action":"output","Package":"x/mcpbox/mcpbox/a","Output":"PASS\n"}`,
		`{"Action":"output","Package":"x/mcpbox/mcpbox/a","Output":"ok  \tx/mcpbox/mcpbox/a\t0.1s\n"}`,
		`{"Action":"pass","Package":"x/mcpbox/mcpbox/a"}`)
	if said != "ok  \tx/mcpbox/mcpbox/a\t0.1s\n" {
		t.Errorf("said %q", said)
	}
	want := "skipped: npm: not found\n         a TestA\n0 passed, 1 skipped, 0 failed\n"
	if summary != want {
		t.Errorf("summary %q, want %q", summary, want)
	}
}

func TestAFailedTestIsShownAndListed(t *testing.T) {
	c, said, _ := follow(t,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}`,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:7: wrong\n"}`,
		`{"Action":"fail","Package":"p","Test":"TestA"}`,
		`{"Action":"pass","Package":"p","Test":"TestB"}`,
		`{"Action":"fail","Package":"p"}`)
	if said != "    a_test.go:7: wrong\n" {
		t.Errorf("said %q", said)
	}
	if len(c.failed) != 1 || c.failed[0] != (test{"p", "TestA"}) || c.passed != 1 {
		t.Errorf("failed %v, passed %d", c.failed, c.passed)
	}
}

// A binary that dies in the middle leaves tests without an end.
func TestATestWithoutAnEndHasFailed(t *testing.T) {
	c, said, _ := follow(t,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"panic: oh\n"}`,
		`{"Action":"fail","Package":"p"}`)
	if said != "panic: oh\n" || len(c.failed) != 1 ||
		c.failed[0].name != "TestA" {
		t.Errorf("said %q, failed %v", said, c.failed)
	}
}

func TestAPackageThatDoesNotBuildHasFailed(t *testing.T) {
	c, said, summary := follow(t,
		`{"Action":"build-output","ImportPath":"p","Output":"p/a.go:1: undefined: x\n"}`,
		`{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}`,
		`{"Action":"fail","Package":"p"}`)
	if !strings.Contains(said, "undefined: x") || len(c.failed) != 1 ||
		!strings.Contains(summary, "1 failed") {
		t.Errorf("said %q, failed %v, summary %q", said, c.failed, summary)
	}
}

func TestAFailingPartDoesNotStopTheNext(t *testing.T) {
	ran := 0
	count := func(err error) func(*tally) error { return func(*tally) error { ran++; return err } }
	if runAll([]part{{"a", count(errTest)}, {"b", count(nil)}}) {
		t.Error("the run is called good")
	}
	if ran != 2 {
		t.Errorf("%d parts ran, want 2", ran)
	}
	if !runAll([]part{{"b", count(nil)}}) {
		t.Error("a good run is called bad")
	}
}

var errTest = errors.New("on purpose")
