package testhost

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

// recorder is a testing.TB that records how the test ended.
type recorder struct {
	testing.TB
	skipped, failed string
}

func (r *recorder) Helper() {}
func (r *recorder) Skip(args ...any) {
	r.skipped = args[0].(string)
	runtime.Goexit()
}
func (r *recorder) Fatal(args ...any) {
	r.failed = args[0].(error).Error()
	runtime.Goexit()
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = format + " " + args[0].(string)
	runtime.Goexit()
}

func end(f func(tb testing.TB)) *recorder {
	r := &recorder{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	return r
}

func TestAMissingFeatureSkipsWithItsReason(t *testing.T) {
	features["missing"] = func() error { return errors.New("not on this host") }
	defer delete(features, "missing")
	t.Setenv("MCPBOX_REQUIRE", "root")
	r := end(func(tb testing.TB) { Need(tb, "missing") })
	if r.skipped != "missing: not on this host" || r.failed != "" {
		t.Errorf("skipped %q, failed %q", r.skipped, r.failed)
	}
}

func TestAPromisedFeatureThatIsMissingFails(t *testing.T) {
	features["missing"] = func() error { return errors.New("not on this host") }
	defer delete(features, "missing")
	t.Setenv("MCPBOX_REQUIRE", "root,missing")
	r := end(func(tb testing.TB) { Need(tb, "missing") })
	if r.skipped != "" || !strings.Contains(r.failed, "not on this host") {
		t.Errorf("skipped %q, failed %q", r.skipped, r.failed)
	}
}

func TestAMisspeltNameFailsAndDoesNotSkip(t *testing.T) {
	r := end(func(tb testing.TB) { Need(tb, "sandboxes") })
	if r.skipped != "" || !strings.Contains(r.failed, `unknown feature "sandboxes"`) {
		t.Errorf("needed: skipped %q, failed %q", r.skipped, r.failed)
	}
	t.Setenv("MCPBOX_REQUIRE", "sandboxes")
	r = end(func(tb testing.TB) { Lacks(tb, "root", "no") })
	if r.skipped != "" || !strings.Contains(r.failed, `unknown feature "sandboxes"`) {
		t.Errorf("promised: skipped %q, failed %q", r.skipped, r.failed)
	}
}

// Every probe runs here. A probe that panics or hangs would end all tests of a package.
func TestEveryProbeAnswers(t *testing.T) {
	for _, name := range Features() {
		t.Logf("%-14s %v", name, Check(name))
	}
}
