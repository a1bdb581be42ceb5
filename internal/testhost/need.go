package testhost

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// Need skips the test if the host lacks one of the features. It fails the test if that feature is
// promised in MCPBOX_REQUIRE. Features lists the names.
func Need(tb testing.TB, names ...string) {
	tb.Helper()
	for _, name := range names {
		if _, known := features[name]; !known {
			tb.Fatal(Check(name))
		}
		if err := Check(name); err != nil {
			Lacks(tb, name, "%v", err)
		}
	}
}

// Lacks ends a test that has found out itself that the host lacks a feature. The test is skipped,
// or fails if the feature is promised.
func Lacks(tb testing.TB, name, format string, args ...any) {
	tb.Helper()
	reason := name + ": " + fmt.Sprintf(format, args...)
	if err := checkPromises(); err != nil {
		tb.Fatal(err)
	}
	if Promised(name) {
		tb.Fatalf("MCPBOX_REQUIRE promises this feature, and it is missing: %s", reason)
	}
	tb.Skip(reason)
}

// Check returns nil if the host has the feature, else the reason why it does not.
func Check(name string) error {
	f, ok := features[name]
	if !ok {
		return fmt.Errorf("unknown feature %q (known: %s)", name, strings.Join(Features(), ", "))
	}
	return f()
}

// Promised reports whether MCPBOX_REQUIRE, a comma-separated list, names the feature.
func Promised(name string) bool { return slices.Contains(promises(), name) }

func promises() []string {
	return strings.FieldsFunc(os.Getenv("MCPBOX_REQUIRE"), func(r rune) bool { return r == ',' })
}

// checkPromises returns an error for a promised feature with an unknown name. Otherwise a misspelt
// promise would have no effect.
func checkPromises() error {
	for _, name := range promises() {
		if _, ok := features[name]; !ok {
			return fmt.Errorf("MCPBOX_REQUIRE names the unknown feature %q (known: %s)",
				name, strings.Join(Features(), ", "))
		}
	}
	return nil
}
