package npm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/hint"
)

// Manifest is the part of a package.json that mcpbox judges.
type Manifest struct {
	Name         string            `json:"name"`
	Version      string            `json:"version"`
	Bin          Bin               `json:"bin"`
	Scripts      map[string]string `json:"scripts"`
	Dependencies map[string]string `json:"dependencies"`
	Repository   Repository        `json:"repository"`
}

// Repository is the address of one. In the file it may be an object.
type Repository string

// UnmarshalJSON reads both forms, and takes anything else for none.
func (r *Repository) UnmarshalJSON(data []byte) error {
	var object struct{ URL string }
	if json.Unmarshal(data, (*string)(r)) != nil && json.Unmarshal(data, &object) == nil {
		*r = Repository(object.URL)
	}
	return nil
}

// Bin is the programs of a package, by name. In the file it may be one path.
type Bin map[string]string

// UnmarshalJSON reads both forms, and takes anything else for none.
func (b *Bin) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*b = Bin{"": one}
		return nil
	}
	many := map[string]string{}
	if json.Unmarshal(data, &many) == nil {
		*b = many
	}
	return nil
}

// ReadManifest reads the package.json of a folder.
func ReadManifest(folder string) (*Manifest, error) {
	data, err := os.ReadFile(filepath.Join(folder, "package.json"))
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("package.json: %w", err)
	}
	return m, nil
}

// Program is the file of a package's program, below the tree. As npx does, it takes the program
// that is named, else the only one, else the one that has the package's name.
func Program(tree, name, program string) (string, error) {
	folder := path.Join("node_modules", name)
	m, err := ReadManifest(filepath.Join(tree, folder))
	if err != nil {
		return "", err
	}
	short := path.Base(name)
	if only, ok := m.Bin[""]; ok && len(m.Bin) == 1 {
		m.Bin = Bin{short: only}
	}
	if len(m.Bin) == 0 {
		return "", fmt.Errorf("the package %s has no program to run", name)
	}
	file, ok := m.Bin[cmp.Or(program, short)]
	if program == "" && sameFile(m.Bin) {
		file, ok = slices.Collect(maps.Values(m.Bin))[0], true
	}
	if !ok {
		return "", hint.Errorf("name one: npx -y --package="+name+" PROGRAM",
			"the package %s has the programs %s", name,
			strings.Join(slices.Sorted(maps.Keys(m.Bin)), ", "))
	}
	file = path.Join(folder, file)
	if !strings.HasPrefix(file, folder+"/") {
		return "", fmt.Errorf("the package %s names a program outside of its folder", name)
	}
	if _, err := os.Stat(filepath.Join(tree, file)); err != nil {
		return "", fmt.Errorf("the package %s lacks its program: %w", name, err)
	}
	return file, nil
}

func sameFile(bin Bin) bool {
	return len(slices.Compact(slices.Sorted(maps.Values(bin)))) == 1
}
