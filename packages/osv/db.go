package osv

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode"

	"github.com/mcpbox/mcpbox/packages/runner"
)

// The bounds of what is read.
const (
	maxRecord  = 32 << 20
	maxRecords = 2_000_000
)

// DB is an open database.
type DB struct {
	file *os.File
	size int64
	Time time.Time // of its last import
}

// Open opens a database. If there is none, the error is fs.ErrNotExist.
func Open(file string) (*DB, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &DB{f, info.Size(), info.ModTime()}, nil
}

// Close closes it.
func (db *DB) Close() error { return db.file.Close() }

// key is where a package is in the database; "": its ecosystem is not kept.
func key(ecosystem, name string) string {
	switch strings.ToLower(ecosystem) {
	case "npm":
		return "npm/" + name
	case "pypi":
		return "pypi/" + runner.Normal(name)
	}
	return ""
}

// Find returns the entries about a version of a package. An empty version is every version: then
// only entries about all of them are found.
func (db *DB) Find(ecosystem, name, version string) (out []Entry, err error) {
	want := key(ecosystem, name) + "\t"
	at := int64(sort.Search(int(db.size), func(i int) bool {
		line, _, e := db.lineAfter(int64(i))
		err = errors.Join(err, e)
		return e != nil || line == "" || line >= want
	}))
	if err != nil {
		return nil, err
	}
	for {
		line, next, err := db.lineAfter(at)
		if err != nil || !strings.HasPrefix(line, want) {
			return out, err
		}
		var e Entry
		if err := json.Unmarshal([]byte(line[len(want):]), &e); err != nil {
			return nil, fmt.Errorf("the database of known versions: %w", err)
		}
		e.Key = strings.TrimSuffix(want, "\t")
		if version == "" && e.All() || version != "" && e.Covers(version) {
			out = append(out, e)
		}
		at = next
	}
}

// lineAfter returns the first line that begins at an offset or after it, and the offset of its
// last byte, after which the next one begins. "": there is none.
func (db *DB) lineAfter(at int64) (line string, next int64, err error) {
	from := max(at-1, 0) // a line begins at the start, or after a line feed
	r := bufio.NewReaderSize(io.NewSectionReader(db.file, from, db.size-from), 4096)
	if at > 0 {
		skipped, err := r.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			from += int64(len(skipped))
			skipped, err = r.ReadSlice('\n')
		}
		if err == io.EOF {
			return "", db.size, nil
		}
		if err != nil {
			return "", 0, err
		}
		from += int64(len(skipped))
	}
	line, err = r.ReadString('\n')
	if err == io.EOF {
		err = nil
	}
	return strings.TrimSuffix(line, "\n"), from + int64(len(line)), err
}

// Import makes a database of the zip files that OSV publishes, or of single records (.json). A zip
// file replaces what the database has of its ecosystems. Records are added. It returns the number
// of entries.
func Import(file string, sources ...string) (int, error) {
	var lines []string
	fresh := map[string]bool{}
	for _, source := range sources {
		if err := read(source, func(e Entry) error {
			ecosystem, _, _ := strings.Cut(e.Key, "/")
			fresh[ecosystem] = fresh[ecosystem] || filepath.Ext(source) != ".json"
			k := e.Key
			if strings.ContainsFunc(k, unicode.IsControl) { // it would be another line
				return fmt.Errorf("%s names the package %q", e.ID, k)
			}
			e.Key = ""
			data, err := json.Marshal(e)
			if len(lines) >= maxRecords {
				err = errors.Join(err, errors.New("too many records"))
			}
			lines = append(lines, k+"\t"+string(data))
			return err
		}); err != nil {
			return 0, fmt.Errorf("%s: %w", source, err)
		}
	}
	if len(lines) == 0 {
		return 0, errors.New("no entry about packages of npm or PyPI")
	}
	old, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return 0, err
	}
	for line := range bytes.Lines(old) {
		ecosystem, _, _ := bytes.Cut(line, []byte("/"))
		if !fresh[string(ecosystem)] {
			lines = append(lines, strings.TrimSuffix(string(line), "\n"))
		}
	}
	slices.Sort(lines)
	lines = slices.Compact(lines)
	return len(lines), write(file, lines)
}

func write(file string, lines []string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".osv-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	w := bufio.NewWriter(f)
	for _, line := range lines {
		_, _ = w.WriteString(line)
		_ = w.WriteByte('\n')
	}
	if err := errors.Join(w.Flush(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

func read(source string, each func(Entry) error) error {
	take := func(r io.Reader) error {
		data, err := io.ReadAll(io.LimitReader(r, maxRecord))
		if err != nil {
			return err
		}
		entries, err := parse(data, key)
		for _, e := range entries {
			err = errors.Join(err, each(e))
		}
		return err
	}
	if filepath.Ext(source) == ".json" {
		f, err := os.Open(source)
		if err != nil {
			return err
		}
		defer f.Close()
		return take(f)
	}
	z, err := zip.OpenReader(source)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if filepath.Ext(f.Name) != ".json" {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		err = take(r)
		r.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}
