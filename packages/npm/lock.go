package npm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Lock is the part of a package-lock.json that mcpbox judges.
type Lock struct {
	Packages map[string]Locked // by folder: "node_modules/@acme/notes"
	Hash     string            // SHA-256 of the file, hexadecimal
}

// Locked is one package of the tree.
type Locked struct {
	Name      string `json:"name"` // of an alias, whose folder has another name
	Version   string `json:"version"`
	Resolved  string `json:"resolved"` // empty if npm is told to leave it out
	Integrity string `json:"integrity"`
	Scripts   bool   `json:"hasInstallScript"`
	Link      bool   `json:"link"`
	Bundled   bool   `json:"inBundle"` // part of another one's archive
	Optional  bool   `json:"optional"`
}

// ReadLock reads the lock of an installed tree.
func ReadLock(tree string) (*Lock, error) {
	data, err := os.ReadFile(filepath.Join(tree, "package-lock.json"))
	if err != nil {
		return nil, err
	}
	return ParseLock(data)
}

// ParseLock reads the text of a lock.
func ParseLock(data []byte) (*Lock, error) {
	sum := sha256.Sum256(data)
	lock := &Lock{Hash: hex.EncodeToString(sum[:])}
	if err := json.Unmarshal(data, lock); err != nil {
		return nil, fmt.Errorf("package-lock.json: %w", err)
	}
	delete(lock.Packages, "") // the tree itself
	return lock, nil
}

// NameAt is the name of the package at a folder of the lock. An alias ("words": "npm:evil@1") has
// the name of what it stands for.
func (l *Lock) NameAt(folder string) string {
	if name := l.Packages[folder].Name; name != "" {
		return name
	}
	return folder[strings.LastIndex("/"+folder, "/node_modules/")+len("node_modules/"):]
}

// WithScripts names the packages that want to run a script when they are installed.
func (l *Lock) WithScripts() (out []string) {
	for folder, p := range l.Packages {
		if p.Scripts {
			out = append(out, l.NameAt(folder))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
