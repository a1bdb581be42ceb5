package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcpbox/mcpbox/internal/datadir"
	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/internal/steady"
	"github.com/mcpbox/mcpbox/mcp/audit"
)

// auditsOf returns the file in the user's data that lists the audit files with heads of a store.
func auditsOf(store string) (string, error) {
	dir, err := datadir.Path("audits")
	sum := sha256.Sum256([]byte(store))
	return filepath.Join(dir, hex.EncodeToString(sum[:8])), err
}

// knownAudits lists the audit files that mcpbox mcp has written for a store.
func knownAudits(store string) []string {
	list, err := auditsOf(store)
	if err != nil {
		return nil
	}
	text, _ := os.ReadFile(list)
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == 0 })
}

// noteAudit remembers an audit file with heads of a store. Where it can't, verify needs --audit.
func noteAudit(store, file string) {
	list, err := auditsOf(store)
	if err != nil {
		return
	}
	file, err = filepath.Abs(file)
	if err != nil || slices.Contains(knownAudits(store), file) ||
		os.MkdirAll(filepath.Dir(list), 0o700) != nil {
		return
	}
	if f, err := os.OpenFile(list, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err == nil {
		_, _ = f.WriteString(file + "\x00")
		f.Close()
	}
}

// witnesses returns the heads of the store in an audit file, or, if none is named, in those that
// are known. seen lists the files. A named file without a head proves nothing.
func (f *allowFlags) witnesses(file string) (heads, seen []string, err error) {
	path, err := f.path()
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, nil, err
	}
	if file != "" {
		heads, err = headsIn(file, path)
		if err == nil && len(heads) == 0 {
			err = hint.Errorf("start `mcpbox mcp` with --store and --audit", "%s has no head of %s",
				file, path)
		}
		return heads, []string{file}, err
	}
	for _, known := range knownAudits(path) {
		more, err := headsIn(known, path)
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(steady.File(os.Stderr), "mcpbox: the audit file %s is missing: it had "+
				"entries of this allowlist\n", safetext.Clean(known, 400))
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if len(more) > 0 {
			heads, seen = append(heads, more...), append(seen, known)
		}
	}
	return heads, seen, nil
}

func headsIn(file, store string) ([]string, error) {
	r, err := os.Open(file)
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("audit file: %w", err),
			"name the file that `mcpbox mcp --audit` wrote")
	}
	defer r.Close()
	return audit.Witnesses(r, store)
}

func comparedWith(files []string) string {
	if len(files) == 0 {
		return ""
	}
	return ", compared with " + safetext.Clean(strings.Join(files, ", "), 400)
}
