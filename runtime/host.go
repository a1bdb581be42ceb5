package runtime

import (
	"fmt"
	"os"
	"strings"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/rights"
	"github.com/mcpbox/mcpbox/policies"
)

// host holds the facts about the machine that a plan needs. For a start, parent is the cgroup
// parent in use; for a plan alone, it is the one that a start would probably find.
type host struct {
	state      string // root's state folder, if it is not the usual one
	root       bool   // started by root, with all rights for a start as root
	ranged     bool   // the tool gets ids of a range that no account has
	landlock   int    // ABI, 0: none
	authority  []byte // PEM, which programs are to trust; nil: none
	topology   string // the copy of sysfs' processors, "": none
	parent     limiter
	cgroupPath string
	noCgroup   error // why there is no parent, if one was looked for
}

// limiter is a cgroups.Parent.
type limiter interface {
	Enforces(policies.Limits) map[string]string
}

// ownRange reports whether a sandbox must not get the caller's own id, because that is uid 0 of the
// machine. The kernel exempts this id from limits, and lets it write to files in /proc. This also
// holds if root lacks rights for a start as root.
func ownRange() bool { return os.Geteuid() == 0 && rights.AllIDs() }

// limited returns an error if root lacks the rights for something that the spec requires.
func (h host) limited(spec Spec) error {
	if h.root || !h.ranged {
		return nil
	}
	missing := strings.Join(rights.Missing(), ", ")
	remedy := "give the container what is missing (--cap-add SYS_ADMIN --cap-add SYS_PTRACE), " +
		"or run mcpbox as the folder's owner: --user 1000"
	for _, m := range spec.Policy.Filesystem.Mounts {
		if m.Mode == policies.ReadWrite {
			return hint.Errorf(remedy, "%s can't be bound writable: root lacks %s here", m.Source,
				missing)
		}
	}
	if !rights.MapsIDs() {
		return hint.Errorf(remedy, "no ids for a sandbox: root lacks %s here", missing)
	}
	return nil
}

func (h *host) expectCgroup() { h.use(cgroups.Expect()) }

// use stores the result of cgroups.Find or cgroups.Expect.
func (h *host) use(parent *cgroups.Parent, err error) {
	if err != nil {
		h.noCgroup = err
		return
	}
	h.parent, h.cgroupPath = parent, parent.Path()
}

func (h host) cgroup() bool { return h.parent != nil }

// enforces reports which limits the sandbox's cgroup enforces.
func (h host) enforces(l policies.Limits) func(limit string) bool {
	if h.parent == nil {
		return func(string) bool { return false }
	}
	reasons := h.parent.Enforces(l)
	return func(limit string) bool {
		reason, ok := reasons[limit]
		return ok && reason == ""
	}
}

// require returns an error if the host can't provide a layer that the policy requires.
func (h host) require(spec Spec) error {
	if err := h.limited(spec); err != nil {
		return err
	}
	if h.noCgroup != nil && spec.requires(policies.LayerCgroupLimits) {
		return hint.Wrap(fmt.Errorf("policy %s: %w: %s: %w", spec.Policy.Name, ErrLayer,
			policies.LayerCgroupLimits, h.noCgroup), doctorHint)
	}
	if h.landlock == 0 && spec.requires(policies.LayerLandlock) {
		return hint.Errorf("boot a kernel ≥ 5.13 with landlock in its lsm= list, "+
			"or use --best-effort", "policy %s: %w: %s", spec.Policy.Name, ErrLayer,
			policies.LayerLandlock)
	}
	return nil
}

// requires reports whether a start without the layer must fail.
func (s Spec) requires(layer policies.Layer) bool {
	if s.BestEffort {
		return false
	}
	for _, l := range s.Policy.Require {
		if l == layer {
			return true
		}
	}
	return false
}
