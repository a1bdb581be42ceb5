package identity

import (
	"errors"
	"path"
	"strings"

	"github.com/mcpbox/mcpbox/internal/digest"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/policies"
)

// ErrRefused means that the policy or the allowlist does not let this server run.
var ErrRefused = errors.New("this server may not run")

// Installed is the package that mcpbox itself installed for a server, and its version.
type Installed struct{ Name, Version string }

// Check applies the policy's mcp.server section before the server starts: to the command line, to
// the digest of the program or script, and to its package. Rules for command lines see asked. It
// differs from command if the user typed npx and mcpbox runs the installed package, which is
// installed then, else nil.
func Check(p *policies.Policy, command, asked []string, installed *Installed) error {
	set := access.Compile(&policies.MCP{Server: p.MCP.Server}, nil)
	server := access.Server{Name: Name(p, command), Command: asked}
	server.Package, server.PackageVersion = packageIn(p, command, installed)
	if set.NeedsDigest() {
		digest, err := Digest(p, command)
		if err != nil {
			return hint.Errorf("name the server by its path, right after the interpreter",
				"%w: %s can't be digested: %w", ErrRefused, command[0], err)
		}
		server.Digest = digest
	}
	if v := set.For(server).CheckServer(server.Name); !v.Allowed {
		return hint.Errorf(v.Hint, "%w: %s", ErrRefused, v.Reason)
	}
	return nil
}

// packageIn is the package that mcpbox installed, else the one that the command line leads to.
func packageIn(p *policies.Policy, command []string, installed *Installed) (name, version string) {
	if installed != nil {
		return installed.Name, installed.Version
	}
	return Package(p, command)
}

// Describe collects what an allowlist needs to know about a server.
func Describe(p *policies.Policy, name string, command, asked []string,
	installed *Installed) access.Server {
	server := access.Server{Name: name, Command: asked}
	server.Package, server.PackageVersion = packageIn(p, command, installed)
	server.Digest, _ = Digest(p, command) // "" if unknown: then rules with a digest do not match
	return server
}

// Digest is the SHA-256 of the program, or of the script that it interprets, in hexadecimal.
func Digest(p *policies.Policy, command []string) (string, error) {
	program, sure := programFile(p.Filesystem, command)
	if !sure {
		return "", errors.New("its options may run code that is not in the file")
	}
	return digest.File(hostPath(p.Filesystem, program))
}

// Name is the default name of a server: its package, or else the name of its program or script.
func Name(p *policies.Policy, command []string) string {
	file, _ := programFile(p.Filesystem, command)
	program := hostPath(p.Filesystem, file)
	if name, _ := packageOf(command, program); name != "" {
		return path.Base(name)
	}
	return strings.TrimSuffix(path.Base(program), path.Ext(program))
}
