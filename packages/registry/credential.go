package registry

import (
	"crypto/x509"
	"fmt"

	"github.com/mcpbox/mcpbox/egress/secret"
	"github.com/mcpbox/mcpbox/policies"
)

// Credential is what one host of a registry wants.
type Credential struct {
	Host   string // HOST or HOST:PORT, where TLS is spoken
	Header string // the scheme of the header Authorization: Bearer, Basic; "": see Basic
	Basic  bool   // the placeholder is the user's name or password, which the program encodes
	Value  string
}

// Variable names the placeholder of the credential at an index.
func Variable(index int) string { return fmt.Sprintf("MCPBOX_REGISTRY_%d", index+1) }

// Placeholder is how a configuration in the sandbox names it.
func Placeholder(index int) string { return "${" + Variable(index) + "}" }

// Access is what a sandbox needs for its credentials. The zero value is for none.
type Access struct {
	Secrets map[string]secret.Source
	Roots   *x509.CertPool
}

// Protect makes a policy put the credentials in. ca are certificate authorities besides those of
// the host, in PEM, which the supervisor then needs, and not the program inside.
func Protect(p *policies.Policy, all []Credential, ca []byte) (Access, error) {
	if len(all) == 0 {
		return Access{}, nil
	}
	a := Access{Secrets: map[string]secret.Source{}}
	for i, c := range all {
		name := Variable(i)
		s := policies.Secret{Name: name, Hosts: []string{c.Host}, Basic: c.Basic}
		if !c.Basic {
			s.Header, s.Format = "Authorization", c.Header+" "+policies.SecretMark
		}
		p.Secrets = append(p.Secrets, s)
		a.Secrets[name] = secret.Of(name, c.Value)
	}
	for i := range p.Network.Allow {
		p.Network.Allow[i].Methods = []string{"GET", "HEAD"}
	}
	if ca == nil {
		return a, nil
	}
	var err error
	if a.Roots, err = x509.SystemCertPool(); err != nil {
		return a, err
	}
	if !a.Roots.AppendCertsFromPEM(ca) {
		return a, fmt.Errorf("the file of certificate authorities has none")
	}
	return a, nil
}
