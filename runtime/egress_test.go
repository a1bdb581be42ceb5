package runtime

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mcpbox/mcpbox/internal/testhost"
	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/runtime/internal/verify"
)

func networkPolicy(t *testing.T) *policies.Policy {
	t.Helper()
	p, err := policies.Preset("standard")
	if err != nil {
		t.Fatal(err)
	}
	p.AllowNetwork(policies.NetworkRule{Host: "api.example.test"})
	return p
}

func TestAFailedNetworkLeavesNothing(t *testing.T) {
	testhost.Need(t, "sandbox")
	opts := privateState(t)
	box, err := start(context.Background(), Spec{Policy: networkPolicy(t)},
		opts) // makes what is kept for later starts
	if err != nil {
		t.Fatal(err)
	}
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	before := takeFootprint(t)
	opts.step = func(name string) error {
		if name == "network" {
			return errors.New("injected")
		}
		return nil
	}
	if _, err := start(context.Background(), Spec{Policy: networkPolicy(t)}, opts); err == nil ||
		!strings.Contains(err.Error(), "injected") {
		t.Fatalf("the start went on: %v", err)
	}
	if left := before.left(t); left != "" {
		t.Error(left)
	}
}

// PID 1 has the capabilities at first. When the first tool starts, no thread of PID 1 has them.
func TestInitDropsItsNetworkCapabilities(t *testing.T) {
	testhost.Need(t, "sandbox")
	box, err := start(context.Background(), Spec{Policy: networkPolicy(t)}, privateState(t))
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	c, ok := box.isolation.(*contained)
	if !ok {
		t.Fatalf("a %T", box.isolation)
	}
	err = verify.Dropped(c.container.PID, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE,
		unix.CAP_SETPCAP)
	if err != nil {
		t.Error(err)
	}
	// The check finds a capability that PID 1 has kept, so it would also find these.
	if err := verify.Dropped(c.container.PID, unix.CAP_SETUID); err == nil {
		t.Errorf("CAP_SETUID is there, and the check says %v", err)
	}
	if os.Geteuid() == 0 {
		if err := verify.Dropped(os.Getpid(), unix.CAP_NET_ADMIN); err == nil {
			t.Error("root's own capabilities are not seen")
		}
	}
}

func TestWithoutANetworkInitNeverHadThem(t *testing.T) {
	testhost.Need(t, "sandbox")
	p, err := policies.Preset("standard")
	if err != nil {
		t.Fatal(err)
	}
	box, err := start(context.Background(), Spec{Policy: p}, privateState(t))
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	if c := box.isolation.(*contained); c.network != nil {
		t.Error("a sandbox without a network serves one")
	} else if err := verify.Dropped(c.container.PID, unix.CAP_NET_ADMIN, unix.CAP_NET_BIND_SERVICE,
		unix.CAP_SETPCAP); err != nil {
		t.Error(err)
	}
}
