package runtime

import (
	"fmt"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

// Layer states in a result.
const (
	Enforced = "enforced" // found on the process before the tool ran
	Absent   = "absent"   // wanted, but not available on this host
	Off      = "off"      // not wanted by the policy
	// Lost means enforced at the start, but lost for a moment: an event says what happened.
	Lost = "lost"
)

// Layers holds the state of each layer, as found on the process itself.
type Layers map[policies.Layer]string

func allLayers() []policies.Layer {
	return []policies.Layer{policies.LayerUserNamespace, policies.LayerPIDNamespace,
		policies.LayerMountNamespace, policies.LayerNetworkNamespace,
		policies.LayerIPCNamespace, policies.LayerUTSNamespace, policies.LayerCgroupNamespace,
		policies.LayerRootfs, policies.LayerCapabilities,
		policies.LayerNoNewPrivileges, policies.LayerSeccomp, policies.LayerLandlock,
		policies.LayerCgroupLimits}
}

func layersFrom(found map[policies.Layer]bool) Layers {
	l := Layers{}
	for layer, ok := range found {
		l[layer] = Absent
		if ok {
			l[layer] = Enforced
		}
	}
	return l
}

// noLayers returns the layers without a sandbox.
func noLayers() Layers {
	l := Layers{}
	for _, layer := range allLayers() {
		l[layer] = Off
	}
	return l
}

// Missing lists the absent layers in a fixed order.
func (l Layers) Missing() (out []policies.Layer) {
	for _, layer := range allLayers() {
		if l[layer] == Absent {
			out = append(out, layer)
		}
	}
	return out
}

// require returns an error if a layer that the policy requires is not enforced.
func (l Layers) require(p *policies.Policy) error {
	var missing []string
	for _, layer := range p.Require {
		granted := layer == policies.LayerNetworkNamespace &&
			p.Network.Mode == policies.NetworkHost // --network host: asked for, not missing
		if l[layer] != Enforced && !granted {
			missing = append(missing, string(layer))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return hint.Errorf(doctorHint, "policy %s: %w: %s", p.Name, ErrLayer,
		strings.Join(missing, ", "))
}

// mandatory returns an error if a layer is missing without which nothing may run, whatever the
// policy or --best-effort says. A policy that wants the host's network has turned the network
// namespace off.
func (l Layers) mandatory() error {
	if l[policies.LayerNetworkNamespace] == Absent {
		return fmt.Errorf("%w: %s was set up, but is missing", ErrLayer,
			policies.LayerNetworkNamespace)
	}
	for _, layer := range []policies.Layer{policies.LayerUserNamespace, policies.LayerPIDNamespace,
		policies.LayerMountNamespace,
		policies.LayerIPCNamespace, policies.LayerUTSNamespace, policies.LayerRootfs,
		policies.LayerCapabilities, policies.LayerNoNewPrivileges} {
		if l[layer] != Enforced {
			return fmt.Errorf("%w: %s was set up, but is missing", ErrLayer, layer)
		}
	}
	return nil
}
