package packages

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func stream(t *testing.T, all ...tar.Header) *bytes.Buffer {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, h := range all {
		if h.Typeflag == tar.TypeReg {
			h.Size = 1
		}
		h.Mode |= 0o600
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			_, _ = w.Write([]byte("x"))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestOnlyWhatStaysInsideIsExtracted(t *testing.T) {
	reg, dir, link := byte(tar.TypeReg), byte(tar.TypeDir), byte(tar.TypeSymlink)
	for what, all := range map[string][]tar.Header{
		"parent":       {{Name: "../out", Typeflag: reg}},
		"parent later": {{Name: "a/../../out", Typeflag: reg}},
		"absolute":     {{Name: "/tmp/out", Typeflag: reg}},
		"link out":     {{Name: "a", Linkname: "../out", Typeflag: link}},
		"link root":    {{Name: "a", Linkname: "/etc", Typeflag: link}},
		"deep link": {{Name: "a", Typeflag: dir},
			{Name: "a/b", Linkname: "../../out", Typeflag: link}},
		"chain": {{Name: "a", Typeflag: dir}, {Name: "a/b", Linkname: ".", Typeflag: link},
			{Name: "c", Linkname: "a/b/../..", Typeflag: link}, {Name: "c/../out", Typeflag: reg},
			{Name: "c/out", Typeflag: reg}, {Name: "c/out", Typeflag: reg}},
		"below a link": {{Name: "a", Typeflag: dir}, {Name: "b", Linkname: "a", Typeflag: link},
			{Name: "b/c", Typeflag: reg}},
		// As text c leads to a/b/x; really l is the tree, and l/../out is outside.
		"up from a link": {{Name: "a/b", Typeflag: dir},
			{Name: "a/b/l", Linkname: "../..", Typeflag: link},
			{Name: "c", Linkname: "a/b/l/../x", Typeflag: link}},
		"over a link": {{Name: "a", Linkname: "b", Typeflag: link}, {Name: "a", Typeflag: reg}},
		"hard link":   {{Name: "a", Linkname: "b", Typeflag: tar.TypeLink}},
		"device":      {{Name: "a", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}},
		"pipe":        {{Name: "a", Typeflag: tar.TypeFifo}},
	} {
		base := t.TempDir()
		inner := filepath.Join(base, "tree")
		if err := os.Mkdir(inner, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := extract(stream(t, all...), inner); err == nil {
			t.Errorf("%s: extracted", what)
		}
		if _, err := os.Lstat(filepath.Join(base, "out")); err == nil {
			t.Errorf("%s: led outside", what)
		}
	}
}

func TestOrdinaryTreesAreExtracted(t *testing.T) {
	tree := t.TempDir()
	err := extract(stream(t, tar.Header{Name: "./a", Typeflag: tar.TypeDir},
		tar.Header{Name: "./a/run", Typeflag: tar.TypeReg, Mode: 0o4755},
		tar.Header{Name: "./bin", Linkname: "a/run", Typeflag: tar.TypeSymlink},
		tar.Header{Name: "./a/up", Linkname: "../a/./run", Typeflag: tar.TypeSymlink},
		tar.Header{Name: "./a/Run", Typeflag: tar.TypeReg},
		tar.Header{Name: "./a/\u202e\n", Typeflag: tar.TypeReg}), tree)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(tree, "bin"))
	if err != nil || info.Mode() != 0o755 {
		t.Errorf("%v, %v", info, err)
	}
	before, _, err := Hash(tree)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tree, "a", "run"), []byte("y"), 0o755); err != nil {
		t.Fatal(err)
	}
	if after, _, _ := Hash(tree); after == before {
		t.Error("the hash does not see a change")
	}
}
