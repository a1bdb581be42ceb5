package policies

import (
	"cmp"
	"embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/nearest"
	"github.com/mcpbox/mcpbox/policies/internal/yaml"
)

//go:generate go run ./internal/generate

//go:embed presets/*.yaml tiers/*.yaml
var presetFiles embed.FS

// PresetNames lists the presets from open to closed.
func PresetNames() []string {
	return []string{"none", "basic", "browser", "standard", "strict", "maximum"}
}

// TierNames lists the policies of `mcpbox code` (package code). They may be named wherever a preset
// may.
func TierNames() []string { return []string{"code-standard", "code-secure"} }

// Named lists everything that may be named in place of a file.
func Named() []string { return append(PresetNames(), TierNames()...) }

// PresetSource is the YAML of a preset or tier with its comments.
func PresetSource(name string) ([]byte, error) {
	file := "presets/" + name + ".yaml"
	if tier, ok := strings.CutPrefix(name, "code-"); ok {
		file = "tiers/" + tier + ".yaml"
	}
	data, err := presetFiles.ReadFile(file)
	if err != nil {
		return nil, hint.Errorf(nearest.Hint(name, Named()), "unknown preset %q", name)
	}
	return data, nil
}

// Preset returns one of Named. It comes from generated code: parsing its YAML would cost a start
// several milliseconds.
func Preset(name string) (*Policy, error) {
	if p := preset(name); p != nil {
		return p, nil
	}
	_, err := PresetSource(name)
	return nil, err
}

// Load reads, inherits, merges and validates a policy file.
func Load(path string) (*Policy, error) {
	data, err := readPolicy(path)
	if err != nil {
		return nil, err
	}
	return Parse(data, path)
}

// Resolve takes what --policy takes: a preset's name, else a file. A name without a slash or a dot
// can only be a preset or a file that exists.
func Resolve(nameOrFile string) (*Policy, error) {
	p, _, err := ResolveFiles(nameOrFile)
	return p, err
}

// ResolveFiles is Resolve, and names the files that were read: the policy's, and those that it
// extends.
func ResolveFiles(nameOrFile string) (p *Policy, files []string, err error) {
	if slices.Contains(Named(), nameOrFile) {
		p, err = Preset(nameOrFile)
		return p, nil, err
	}
	if !looksLikeFile(nameOrFile) {
		if _, err := os.Stat(nameOrFile); err != nil {
			return nil, nil, hint.Errorf(nearest.Hint(nameOrFile, Named())+" (a file is also "+
				"taken)", "unknown policy %q: no such preset and no such file", nameOrFile)
		}
	}
	read := func(path string) ([]byte, error) {
		files = append(files, path)
		return readPolicy(path)
	}
	data, err := read(nameOrFile)
	if err != nil {
		return nil, nil, err
	}
	p, err = parse(data, nameOrFile, read)
	return p, files, err
}

func looksLikeFile(s string) bool { return strings.ContainsAny(s, "/.") }

// Parse is Load for data that is already read; filename is for messages and for what is relative to
// the file.
func Parse(data []byte, filename string) (*Policy, error) {
	return parse(data, filename, readPolicy)
}

// parse decodes the chain of documents, root first, each onto the result of the one before.
func parse(data []byte, filename string, read func(string) ([]byte, error)) (*Policy, error) {
	p, chain, err := inherit(data, filename, read)
	if err != nil {
		return nil, err
	}
	index := map[string]yaml.Position{}
	for _, doc := range slices.Backward(chain) {
		p.Name, p.Description = "", "" // a document's own, not inherited
		problems := doc.Decode(p, fileTypes(), index)
		if err := asError(problemsOf(problems)); err != nil {
			return nil, err
		}
		placePaths(p, doc.Source, index)
		p.Extends = ""
	}
	if p.Name == "" {
		p.Name = strings.TrimSuffix(filepath.Base(filename), filepath.Ext(filename))
	}
	p.fill()
	if err := asError(check(p, index)); err != nil {
		return nil, err
	}
	return p, nil
}

// fileTypes are the types that a file writes in a form of their own.
func fileTypes() yaml.Types {
	return yaml.Types{
		Quantity: map[reflect.Type]string{
			reflect.TypeFor[Size](): "256MiB", reflect.TypeFor[Duration](): "30s",
		},
		Short: map[reflect.Type]func(any, string) error{
			reflect.TypeFor[SyscallRule](): func(v any, name string) error {
				v.(*SyscallRule).Names = []string{name}
				return nil
			},
			reflect.TypeFor[NetworkRule](): func(v any, entry string) (err error) {
				*v.(*NetworkRule), err = ParseNetworkRule(entry)
				return err
			},
		},
		Number: parseNumber,
	}
}

// fill writes out what an unset field means, so that no reader has to know.
func (p *Policy) fill() {
	p.Isolation = cmp.Or(p.Isolation, IsolationSandbox)
	p.Syscalls.Default = cmp.Or(p.Syscalls.Default, DefaultDeny)
	p.Syscalls.Violation = cmp.Or(p.Syscalls.Violation, ViolationErrno)
	p.Network.Mode = cmp.Or(p.Network.Mode, NetworkNone)
	p.openSockets()
	for _, list := range [][]NetworkRule{p.Network.Allow, p.Network.Deny} {
		for i := range list {
			if rule, err := list[i].Rule(); err == nil {
				list[i].Host = rule.Host() // the one spelling
			}
		}
	}
	for i := range p.Filesystem.Mounts {
		p.Filesystem.Mounts[i].Mode = cmp.Or(p.Filesystem.Mounts[i].Mode, ReadOnly)
	}
	for i := range p.Rules {
		p.Rules[i].Action = cmp.Or(p.Rules[i].Action, "alert")
	}
}

// UnmarshalJSON decodes and validates a JSON document that extends nothing but presets: data from
// elsewhere must not make mcpbox read files.
func (p *Policy) UnmarshalJSON(data []byte) error {
	parsed, err := parse(data, "policy", func(path string) ([]byte, error) {
		return nil, hint.Errorf("name a preset", "policy file %s may not be read from here", path)
	})
	if err == nil {
		*p = *parsed
	}
	return err
}

func readPolicy(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hint.Errorf("a preset is one of: "+strings.Join(Named(), ", "), "policy file "+
			"%s does not exist", path)
	}
	if err != nil {
		return nil, hint.Wrap(err, "check the file's permissions")
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, hint.Errorf("name a file inside it", "policy %s is a folder", path)
	}
	buffer := make([]byte, yaml.MaxBytes+1)
	n := 0
	for n < len(buffer) {
		m, err := f.Read(buffer[n:])
		n += m
		if err != nil || m == 0 {
			break
		}
	}
	return buffer[:n], nil
}
