package runtime

import (
	"context"
	"testing"
)

// requireNamespaces skips, with the reason, where this host forbids what every sandbox needs.
func requireNamespaces(t *testing.T) {
	t.Helper()
	box, err := Start(context.Background(), Spec{Policy: standard(t), BestEffort: true})
	if err != nil {
		t.Skipf("no sandbox on this host: %v", err)
	}
	box.Close()
}
