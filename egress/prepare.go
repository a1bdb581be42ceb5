package egress

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/egress/intercept"
	"github.com/mcpbox/mcpbox/egress/secret"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/policies"
)

// Inspection is what a sandbox needs whose requests are read.
type Inspection struct {
	Secrets   []intercept.Secret
	Authority *intercept.Authority
}

// CheckSources checks that each secret of the policy has a source that may be used for its hosts.
// It reads no values.
func CheckSources(p *policies.Policy, sources map[string]secret.Source) error {
	var names []string
	for _, s := range p.Secrets {
		names = append(names, s.Name)
		source, ok := sources[s.Name]
		if !ok {
			return hint.Errorf(fmt.Sprintf("--secret %[1]s=env:VARIABLE, --secret %[1]s=file:PATH "+
				"or --secret %[1]s=cmd:COMMAND", s.Name),
				"policy %s wants the secret %s, and nothing says where it comes from", p.Name,
				s.Name)
		}
		for _, host := range s.Hosts {
			if !source.Allows(host) {
				return hint.Errorf("add the host to the secret in your secrets.json, or use "+
					"--secret "+s.Name+"=…", "policy %s wants the secret %s for %s, and it is "+
					"only for %s", p.Name, s.Name, host, strings.Join(source.Hosts, ", "))
			}
		}
	}
	for _, s := range p.Secrets {
		if err := outOfSight(sources[s.Name], p.Filesystem.Mounts); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		if !slices.Contains(names, name) && sources[name].Hosts == nil {
			return hint.Errorf("secrets: [{name: "+name+", hosts: [HOST], header: HEADER}] in a "+
				"policy file", "policy %s has no secret %s", p.Name, name)
		}
	}
	return nil
}

// outOfSight refuses a secret's file that lies in a folder that the tool sees.
func outOfSight(s secret.Source, mounts []policies.Mount) error {
	if s.File() == "" {
		return nil
	}
	file, err := filepath.EvalSymlinks(s.File())
	if err != nil {
		return nil // reading it will say
	}
	for _, m := range mounts {
		folder, err := filepath.EvalSymlinks(m.Source)
		if err != nil {
			continue // mounting it will say
		}
		if file == folder || strings.HasPrefix(file, strings.TrimSuffix(folder, "/")+"/") {
			return hint.Errorf("keep it elsewhere, or bind less",
				"the file of the secret %s lies in %s, which the tool can read", s.Name, m.Source)
		}
	}
	return nil
}

// Prepare reads the secrets of a policy, and makes the authority that the sandbox trusts. It
// returns nil if no requests are read under the policy.
func Prepare(ctx context.Context, p *policies.Policy, sources map[string]secret.Source,
) (*Inspection, error) {
	if !p.Inspected() {
		return nil, nil
	}
	out := &Inspection{}
	for _, s := range p.Secrets {
		value, err := sources[s.Name].Read(ctx)
		if err != nil {
			return nil, err
		}
		random := make([]byte, 16)
		rand.Read(random) // it never fails: crypto/rand
		out.Secrets = append(out.Secrets, intercept.Secret{Secret: s, Value: value,
			Placeholder: "mcpbox_" + s.Name + "_" + hex.EncodeToString(random)})
	}
	names, any := Inspected(p)
	if any {
		names = nil
	}
	var err error
	out.Authority, err = intercept.NewAuthority(names)
	return out, err
}

// PEM returns the certificate of the authority, or nil for a nil Inspection.
func (i *Inspection) PEM() []byte {
	if i == nil {
		return nil
	}
	return i.Authority.PEM()
}

// Placeholders returns what the tool gets instead of the secrets, by their names.
func (i *Inspection) Placeholders() map[string]string {
	if i == nil {
		return nil
	}
	out := map[string]string{}
	for _, s := range i.Secrets {
		out[s.Name] = s.Placeholder
	}
	return out
}

// Leak returns the name of a secret that one of the texts contains, and which text it is. The tool
// would get the secret by mistake.
func (i *Inspection) Leak(texts ...string) (name string, at int) {
	if i == nil {
		return "", -1
	}
	for at, text := range texts {
		for _, s := range i.Secrets {
			if s.Value.Within([]byte(text)) {
				return s.Name, at
			}
		}
	}
	return "", -1
}
