package policies

// Packages says which packages may run that mcpbox installs for npx, uvx and their like.
type Packages struct {
	Require PackageRequire `yaml:"require,omitempty" json:"require,omitempty" enum:"audited,trusted,any"`
	// the least age of a version; zero: 72h
	MinAge Duration `yaml:"min_age,omitempty" json:"min_age,omitempty"`
	// what a registry that signs nothing means
	Signatures PackageSignatures `yaml:"signatures,omitempty" json:"signatures,omitempty" enum:"offered,required"`
}

// PackageRequire is what a package needs in order to run under the policy as asked. One that has
// less is quarantined: it runs without a network and a workspace, and offers nothing to a client.
type PackageRequire string

const (
	// no finding of severity high, or a decision to trust it (the default)
	PackageAudited PackageRequire = "audited"
	// a decision to trust it
	PackageTrusted PackageRequire = "trusted"
	// nothing, unless it is denied or quarantined by a decision
	PackageAny PackageRequire = "any"
)

// PackageSignatures says when a missing signature quarantines a package of npm.
type PackageSignatures string

const (
	// if its registry signs others, or publishes keys (the default)
	PackageSignaturesOffered  PackageSignatures = "offered"
	PackageSignaturesRequired PackageSignatures = "required" // always
)

func (c *checker) packages(p *Packages) {
	c.enum("packages.require", string(p.Require), string(PackageAudited), string(PackageTrusted),
		string(PackageAny))
	c.enum("packages.signatures", string(p.Signatures), string(PackageSignaturesOffered),
		string(PackageSignaturesRequired))
	if p.MinAge < 0 {
		c.fail("packages.min_age", "such as 72h", "packages.min_age: %s is negative", p.MinAge)
	}
}
