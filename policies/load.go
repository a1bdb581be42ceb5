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

//go:embed presets/*.yaml tiers/*.yaml starters/*.yaml
var presetFiles embed.FS

// PresetNames lists the presets, the least strict first.
func PresetNames() []string {
	return []string{"none", "basic", "browser", "standard", "strict", "maximum"}
}

// TierNames lists the policies of `mcpbox code` (package code). Their names are accepted wherever a
// preset's name is.
func TierNames() []string { return []string{"code-standard", "code-secure"} }

// BuiltinNames lists all names that are accepted in place of a file.
func BuiltinNames() []string { return append(PresetNames(), TierNames()...) }

// PresetSource returns the YAML of a preset or tier with its comments.
func PresetSource(name string) ([]byte, error) {
	file := "presets/" + name + ".yaml"
	if tier, ok := strings.CutPrefix(name, "code-"); ok {
		file = "tiers/" + tier + ".yaml"
	}
	data, err := presetFiles.ReadFile(file)
	if err != nil {
		return nil, hint.Errorf(nearest.Hint(name, BuiltinNames()), "unknown preset %q", name)
	}
	return data, nil
}

// Starters lists what Starter has a policy file for.
func Starters() []string {
	return []string{"server", "node", "python", "browser", "go", "database", "files"}
}

// Starter is a policy file to begin with, with comments, for one kind of program.
func Starter(kind string) ([]byte, error) {
	data, err := presetFiles.ReadFile("starters/" + kind + ".yaml")
	if err != nil {
		return nil, hint.Errorf(nearest.Hint(kind, Starters()), "there is no starter for %q", kind)
	}
	return data, nil
}

// Preset returns the preset or tier with one of the names of BuiltinNames. It comes from generated
// code: parsing its YAML would add several milliseconds to a start.
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

// Resolve accepts the values of --policy: a preset's name or a file. A name without a slash or a
// dot must be a preset or an existing file.
func Resolve(nameOrFile string) (*Policy, error) {
	p, _, err := ResolveFiles(nameOrFile)
	return p, err
}

// ResolveFiles is like Resolve, and also returns the files that it read: the policy and the files
// that it extends.
func ResolveFiles(nameOrFile string) (p *Policy, files []string, err error) {
	if slices.Contains(BuiltinNames(), nameOrFile) {
		p, err = Preset(nameOrFile)
		return p, nil, err
	}
	if !looksLikeFile(nameOrFile) {
		if _, err := os.Stat(nameOrFile); err != nil {
			return nil, nil, hint.Errorf(
				nearest.Hint(nameOrFile, BuiltinNames())+" (or give an existing file)",
				"unknown policy %q: no such preset and no such file", nameOrFile)
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
	p, _, err = parseIndexed(data, nameOrFile, read)
	return p, files, err
}

// Index knows where in its files each value of a policy was set.
type Index struct{ at map[string]yaml.Position }

// Fault is err as a problem at the place of a value, such as syscalls.allow[3].
func (x *Index) Fault(path string, err error) error {
	return asError([]Problem{problemAt(x.at[path], hint.Of(err), "%v", err)})
}

// Has reports whether a file sets the value.
func (x *Index) Has(path string) bool { _, ok := x.at[path]; return ok }

// ResolveIndexed is like Resolve, and also returns where the values are. The index of a preset is
// empty.
func ResolveIndexed(nameOrFile string) (*Policy, *Index, error) {
	p, files, err := ResolveFiles(nameOrFile)
	if err != nil || len(files) == 0 {
		return p, &Index{}, err
	}
	data, err := readPolicy(files[0])
	if err != nil {
		return nil, nil, err
	}
	p, index, err := parseIndexed(data, files[0], readPolicy)
	return p, &Index{index}, err
}

func looksLikeFile(s string) bool { return strings.ContainsAny(s, "/.") }

// Parse is like Load, for data that was already read. filename is for messages and for relative
// paths.
func Parse(data []byte, filename string) (*Policy, error) {
	return parse(data, filename, readPolicy)
}

// parse decodes the chain of documents, root first. Each document is decoded onto the result of the
// previous one.
func parse(data []byte, filename string, read func(string) ([]byte, error)) (*Policy, error) {
	p, _, err := parseIndexed(data, filename, read)
	return p, err
}

func parseIndexed(data []byte, filename string, read func(string) ([]byte, error)) (*Policy,
	map[string]yaml.Position, error) {
	p, chain, err := inherit(data, filename, read)
	if err != nil {
		return nil, nil, err
	}
	index := map[string]yaml.Position{}
	for _, doc := range slices.Backward(chain) {
		p.Name, p.Description = "", "" // these two are not inherited
		problems := doc.Decode(p, fileTypes(), index)
		if err := asError(problemsOf(problems)); err != nil {
			return nil, nil, err
		}
		placePaths(p, doc.Source, index)
		p.Extends = ""
	}
	if p.Name == "" {
		p.Name = strings.TrimSuffix(filepath.Base(filename), filepath.Ext(filename))
	}
	p.fill()
	if err := asError(check(p, index)); err != nil {
		return nil, nil, err
	}
	return p, index, nil
}

// fileTypes returns the types that have their own text form in a file.
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

// fill sets unset fields to their defaults, so that no reader has to know them.
func (p *Policy) fill() {
	p.Isolation = cmp.Or(p.Isolation, IsolationSandbox)
	p.Syscalls.Default = cmp.Or(p.Syscalls.Default, DefaultDeny)
	p.Syscalls.Violation = cmp.Or(p.Syscalls.Violation, ViolationErrno)
	p.Network.Mode = cmp.Or(p.Network.Mode, NetworkNone)
	p.openSockets()
	for _, list := range [][]NetworkRule{p.Network.Allow, p.Network.Deny} {
		for i := range list {
			if rule, err := list[i].Rule(); err == nil {
				list[i].Host = rule.Host() // in canonical form
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

// UnmarshalJSON decodes and validates a JSON document. The document may only extend presets,
// because data from elsewhere must not make mcpbox read files.
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
		return nil, hint.Errorf("a preset is one of: "+strings.Join(BuiltinNames(), ", "),
			"policy file %s does not exist", path)
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
