package packages

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcpbox/mcpbox/internal/testnet"
)

const indexHost = "index.example.test"

// wheel is a package of the index: a wheel, or a source archive.
type wheel struct {
	name, version string
	needs         []string
	module        string // the source of its module
	scripts       map[string]string
	extra         []file // further entries of the archive
	source        bool   // a source archive: module is its setup.py
	sha256        string // "" is the right one, "none" is none
	published     time.Time
	yanked        any
	author        string                              // "" is Acme
	attested      func(digest []byte) json.RawMessage // an answer of PEP 740; nil: none
}

// index is a simple index of the test's. It speaks JSON (PEP 691) or HTML (PEP 503).
type index struct {
	mu       sync.Mutex
	wheels   map[string][]wheel
	archives map[string]int
	html     bool
	hang     bool
	redirect string
	wants    string // the header Authorization that requests need; "": none
	host     string // its name
}

func newIndex(w *testnet.World, t *testing.T) *index {
	return newIndexAt(w, t, indexHost, testnet.Public)
}

func newIndexAt(w *testnet.World, t *testing.T, name, address string) *index {
	i := &index{wheels: map[string][]wheel{}, archives: map[string]int{}, host: name}
	w.Names.Set(name, address)
	server := &http.Server{Handler: i, TLSConfig: w.CA.Server(name),
		ErrorLog: log.New(io.Discard, "", 0)}
	go server.ServeTLS(w.Listen(address+":8443"), "", "")
	t.Cleanup(func() { server.Close() })
	return i
}

func (i *index) publish(w wheel) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if w.version == "" {
		w.version = "1.0"
	}
	i.wheels[w.name] = append(i.wheels[w.name], w)
}

func (w *wheel) file() string {
	base := strings.ReplaceAll(w.name, "-", "_") + "-" + w.version
	if w.source {
		return base + ".tar.gz"
	}
	return base + "-py3-none-any.whl"
}

// archive is the same bytes each time.
func (w *wheel) archive() []byte {
	base := strings.ReplaceAll(w.name, "-", "_")
	if w.source {
		return tarball(0o644, append([]file{
			{name: base + "-" + w.version + "/PKG-INFO", content: fmt.Sprintf(
				"Metadata-Version: 2.1\nName: %s\nVersion: %s\n", w.name, w.version)},
			{name: base + "-" + w.version + "/setup.py", content: w.module}}, w.extra...))
	}
	info := base + "-" + w.version + ".dist-info/"
	meta := fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\nAuthor: %s\n", w.name,
		w.version, cmp.Or(w.author, "Acme"))
	for _, need := range w.needs {
		meta += "Requires-Dist: " + need + "\n"
		if _, extra, ok := strings.Cut(need, "extra == "); ok {
			meta += "Provides-Extra: " + strings.Trim(extra, "'") + "\n"
		}
	}
	entries := "[console_scripts]\n"
	for _, name := range slices.Sorted(maps.Keys(w.scripts)) {
		entries += name + " = " + w.scripts[name] + "\n"
	}
	files := append([]file{{name: base + ".py", content: w.module},
		{name: info + "METADATA", content: meta},
		{name: info + "WHEEL",
			content: "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{name: info + "entry_points.txt", content: entries}}, w.extra...)
	record := ""
	for _, f := range files {
		sum := sha256.Sum256([]byte(f.content))
		record += fmt.Sprintf("%s,sha256=%s,%d\n", f.name,
			base64.RawURLEncoding.EncodeToString(sum[:]), len(f.content))
	}
	files = append(files, file{name: info + "RECORD", content: record + info + "RECORD,,\n"})
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate}
		h.SetMode(0o644)
		if f.kind == tar.TypeSymlink {
			h.SetMode(0o777 | 1<<27) // fs.ModeSymlink
			f.content = f.link
		}
		e, _ := z.CreateHeader(h)
		_, _ = e.Write([]byte(f.content))
	}
	z.Close()
	return out.Bytes()
}

// tarball is a .tar.gz of the files, all with one mode.
func tarball(mode int64, files []file) []byte {
	var out bytes.Buffer
	g := gzip.NewWriter(&out)
	t := tar.NewWriter(g)
	for _, f := range files {
		if f.kind == 0 {
			f.kind = tar.TypeReg
		}
		_ = t.WriteHeader(&tar.Header{Name: f.name, Typeflag: f.kind, Linkname: f.link, Mode: mode,
			Size: int64(len(f.content))})
		_, _ = t.Write([]byte(f.content))
	}
	t.Close()
	g.Close()
	return out.Bytes()
}

func (i *index) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	parts := strings.Split(strings.Trim(req.URL.Path, "/"), "/")
	switch {
	case i.wants != "" && req.Header.Get("Authorization") != i.wants:
		w.Header().Set("WWW-Authenticate", "Basic")
		w.WriteHeader(http.StatusUnauthorized)
		return
	case len(parts) == 2 && parts[0] == "simple" && i.wheels[parts[1]] != nil:
		i.page(w, parts[1])
		return
	case len(parts) == 2 && (parts[0] == "files" || parts[0] == "origin"):
		for _, all := range i.wheels {
			for _, one := range all {
				switch {
				case one.file() != parts[1]:
				case parts[0] == "origin":
					sum := sha256.Sum256(one.archive())
					_, _ = w.Write(one.attested(sum[:]))
					return
				default:
					i.archives[one.name]++
					i.serve(w, req, one.archive())
					return
				}
			}
		}
	}
	http.NotFound(w, req)
}

func (i *index) serve(w http.ResponseWriter, req *http.Request, data []byte) {
	switch {
	case i.hang:
		i.mu.Unlock()
		<-req.Context().Done()
		i.mu.Lock()
	case i.redirect != "":
		http.Redirect(w, req, i.redirect, http.StatusFound)
	default:
		_, _ = w.Write(data)
	}
}

func (i *index) page(w http.ResponseWriter, name string) {
	type entry struct {
		Filename string            `json:"filename"`
		URL      string            `json:"url"`
		Hashes   map[string]string `json:"hashes"`
		Time     string            `json:"upload-time"`
		Yanked   any               `json:"yanked"`
		Origin   any               `json:"provenance"`
	}
	var files []entry
	html := "<!DOCTYPE html><html><body>"
	for _, one := range i.wheels[name] {
		sum := sha256.Sum256(one.archive())
		hash := hex.EncodeToString(sum[:])
		if one.sha256 != "" {
			hash = one.sha256
		}
		at := one.published
		if at.IsZero() {
			at = time.Now().AddDate(-1, 0, 0)
		}
		e := entry{one.file(), "https://" + i.host + ":8443/files/" + one.file(),
			map[string]string{"sha256": hash}, at.UTC().Format(time.RFC3339), false,
			nil}
		if one.attested != nil {
			e.Origin = "https://" + i.host + ":8443/origin/" + one.file()
		}
		if one.yanked != nil {
			e.Yanked = one.yanked
		}
		link := e.URL + "#sha256=" + hash
		if hash == "none" {
			e.Hashes, link = map[string]string{}, e.URL
		}
		files = append(files, e)
		html += fmt.Sprintf("<a href=%q>%s</a>\n", link, e.Filename)
	}
	if i.html {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(html + "</body></html>"))
		return
	}
	w.Header().Set("Content-Type", "application/vnd.pypi.simple.v1+json")
	_ = json.NewEncoder(w).Encode(map[string]any{"meta": map[string]string{"api-version": "1.1"},
		"name": name, "files": files})
}
