package runtime

import (
	"fmt"

	"github.com/mcpbox/mcpbox/cgroups"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

// host is what a plan needs to know of the machine. A start has the cgroup parent that it uses; a
// plan alone the one that a start is expected to find.
type host struct {
	root       bool   // started by root
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

func (h *host) expectCgroup() { h.use(cgroups.Expect()) }

// use takes over what cgroups.Find or cgroups.Expect returned.
func (h *host) use(parent *cgroups.Parent, err error) {
	if err != nil {
		h.noCgroup = err
		return
	}
	h.parent, h.cgroupPath = parent, parent.Path()
}

func (h host) cgroup() bool { return h.parent != nil }

// enforces reports which limits the sandbox's cgroup holds.
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

// require returns an error if the host can't give a layer that the policy requires.
func (h host) require(spec Spec) error {
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

// requires reports whether a start without the layer has to fail.
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
