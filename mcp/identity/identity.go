package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/semver"
	"github.com/mcpbox/mcpbox/mcp/access"
	"github.com/mcpbox/mcpbox/policies"
)

// ErrRefused means that the policy, or the operator's store, does not let this server run.
var ErrRefused = errors.New("this server may not run")

// Check is the server layer and the version layer as far as they are known before the start: the command line, the
// digest of the program or script, and the package that it belongs to.
func Check(p *policies.Policy, command []string) error {
	rules := &p.MCP.Server
	line := strings.Join(command, " ")
	if len(rules.Allow)+len(rules.Deny)+len(rules.Packages) == 0 {
		return nil
	}
	names := []string{line}
	if digests := slices.ContainsFunc(slices.Concat(rules.Allow, rules.Deny), func(s string) bool { return strings.HasPrefix(s, "sha256:") }); digests {
		sum, err := Digest(p, command)
		if err != nil {
			return hint.Errorf("name the server by its path, right after the interpreter", "%w: %s can't be digested: %w", ErrRefused, command[0], err)
		}
		names = append(names, "sha256:"+sum)
	}
	allowed := len(rules.Allow) == 0
	for _, name := range names {
		if glob, ok := access.MatchAny(rules.Deny, name); ok {
			return hint.Errorf("run another server, or change mcp.server.deny", "%w: mcp.server.deny has %q", ErrRefused, glob)
		}
		if _, ok := access.MatchAny(rules.Allow, name); ok {
			allowed = true
		}
	}
	if !allowed {
		return hint.Errorf("to allow it, add it to mcp.server.allow: "+names[len(names)-1], "%w: mcp.server.allow does not name %q", ErrRefused, line)
	}
	return checkPackage(rules.Packages, p, command)
}

func checkPackage(ranges map[string]string, p *policies.Policy, command []string) error {
	if len(ranges) == 0 {
		return nil
	}
	var name, version string // of what runs other code besides, or instead, no package is known
	if program, sure := programFile(p.Filesystem, command); sure {
		name, version = packageOf(command, hostPath(p.Filesystem, program))
	}
	allowed, ok := ranges[name]
	if !ok {
		return hint.Errorf("mcp.server.packages names what may run", "%w: its package is %q", ErrRefused, name)
	}
	r, err := semver.ParseRange(allowed)
	if err != nil {
		return err
	}
	v, err := semver.Parse(version)
	if err != nil || !r.Contains(v) {
		return hint.Errorf("run another version, or change mcp.server.packages", "%w: %s is of version %q, not %s", ErrRefused, name, version, allowed)
	}
	return nil
}

// interpreters run what their first argument names.
func isInterpreter(program string) bool {
	base := path.Base(program)
	for _, name := range []string{"node", "nodejs", "bun", "deno", "python", "ruby", "perl", "sh", "bash", "php"} {
		if strings.TrimRight(base, "0123456789.") == name {
			return true
		}
	}
	return false
}

// programFile is the file that a command is about: the program, or the script that an interpreter runs. sure: nothing stands
// before it that may run other code (node --require, python -c, npx --package …).
func programFile(fs policies.Filesystem, command []string) (file string, sure bool) {
	sure = true
	if isInterpreter(command[0]) || PackageRunner(command) != "" {
		for i, arg := range command[1:] {
			switch info, err := os.Stat(hostPath(fs, arg)); {
			case isHarmlessOption(command[0], arg, i):
				continue
			case strings.HasPrefix(arg, "-"):
				sure = false
				continue
			case PackageRunner(command) != "":
				return command[0], sure
			case err == nil && info.Mode().IsRegular():
				return arg, sure
			}
			sure = false // a command of the interpreter's, or an option's value
		}
	}
	if !strings.Contains(command[0], "/") {
		if found, err := exec.LookPath(command[0]); err == nil {
			return found, sure
		}
	}
	return command[0], sure
}

// isHarmlessOption words before a script run no other code, and take no value.
func isHarmlessOption(program, word string, at int) bool {
	switch name := strings.TrimRight(path.Base(program), "0123456789."); {
	case name == "python":
		return slices.Contains([]string{"-u", "-I", "-s", "-E", "-B"}, word)
	case name == "node" || name == "nodejs":
		return word == "--no-warnings" || word == "--enable-source-maps"
	case name == "deno":
		return at == 0 && word == "run" || word == "-A"
	case name == "pipx" && at == 0 && word == "run":
		return true
	case runnerName(program) != "":
		return slices.Contains([]string{"-y", "--yes", "-q", "--quiet"}, word)
	}
	return false
}

// hostPath is where the host keeps a path that the server sees.
func hostPath(fs policies.Filesystem, inside string) string {
	best, at := "", inside
	if !path.IsAbs(at) {
		at = path.Join("/work", at)
	}
	for _, m := range fs.Mounts {
		if (at == m.Target || strings.HasPrefix(at, m.Target+"/")) && len(m.Target) > len(best) {
			best = m.Target
			inside = m.Source + strings.TrimPrefix(at, m.Target)
		}
	}
	if best == "" && fs.Rootfs != "" {
		return filepath.Join(fs.Rootfs, at)
	}
	return inside
}

// Digest is the SHA-256 of the program, or of the script that it interprets, in hexadecimal.
func Digest(p *policies.Policy, command []string) (string, error) {
	program, sure := programFile(p.Filesystem, command)
	if !sure {
		return "", errors.New("its options may run other code than the file's")
	}
	return fileDigest(hostPath(p.Filesystem, program))
}

func fileDigest(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// packageOf finds an npm package: the one named to npx, or the one whose folder the script is in.
func packageOf(command []string, program string) (name, version string) {
	if PackageRunner(command) != "" {
		return runnerPackage(command)
	}
	real, err := filepath.EvalSymlinks(program)
	if err != nil {
		return "", ""
	}
	for dir := filepath.Dir(real); ; dir = filepath.Dir(dir) {
		var p struct{ Name, Version string }
		if data, err := os.ReadFile(filepath.Join(dir, "package.json")); err == nil && json.Unmarshal(data, &p) == nil && p.Name != "" {
			return p.Name, p.Version
		}
		if dir == filepath.Dir(dir) {
			return "", ""
		}
	}
}

// Name is what a server is called when nobody says so: its package, or its program's or script's name.
func Name(p *policies.Policy, command []string) string {
	file, _ := programFile(p.Filesystem, command)
	program := hostPath(p.Filesystem, file)
	if name, _ := packageOf(command, program); name != "" {
		return path.Base(name)
	}
	return strings.TrimSuffix(path.Base(program), path.Ext(program))
}
