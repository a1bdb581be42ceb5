package osv

import (
	"archive/zip"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func record1(id, ecosystem, name, versions, events string) string {
	return fmt.Sprintf(`{"id": %q, "summary": "s", "affected": [{"package": {"ecosystem": %q,
		"name": %q}, "versions": [%s], "ranges": [{"type": "SEMVER", "events": [%s]}]}]}`,
		id, ecosystem, name, versions, events)
}

func archive(t *testing.T, records ...string) string {
	file := filepath.Join(t.TempDir(), "all.zip")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for i, r := range records {
		w, err := z.Create(fmt.Sprintf("%d.json", i))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(r))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestVersionsAreFoundAsTheirEcosystemOrdersThem(t *testing.T) {
	file := filepath.Join(t.TempDir(), "db")
	records := []string{
		record1("MAL-1", "npm", "evil", "", `{"introduced": "0"}`),
		record1("MAL-2", "npm", "taken-over", `"1.2.3"`, ""),
		record1("GHSA-1", "npm", "old", "", `{"introduced": "1.0.0"}, {"fixed": "1.10.0"},
			{"introduced": "2.0.0"}, {"last_affected": "2.3.0"}`),
		record1("PYSEC-1", "PyPI", "Some_Thing", `"1.0"`,
			`{"introduced": "2.0"}, {"fixed": "2.1"}`),
		`{"id": "MAL-9", "withdrawn": "2020-01-01T00:00:00Z", "affected": [{"package":
			{"ecosystem": "npm", "name": "fine"}, "versions": ["1.0.0"]}]}`,
		record1("GO-1", "Go", "evil", "", `{"introduced": "0"}`),
	}
	for i := range 300 { // neighbours
		records = append(records, record1(fmt.Sprintf("GHSA-x%d", i), "npm", fmt.Sprintf("n%d", i),
			"", `{"introduced": "0"}`))
	}
	n, err := Import(file, archive(t, records...))
	if err != nil || n != 304 {
		t.Fatal(n, err)
	}
	db, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, c := range []struct{ ecosystem, name, version, want string }{
		{"npm", "evil", "1.0.0", "MAL-1"},
		{"npm", "evil", "", "MAL-1"},
		{"npm", "evi", "1.0.0", ""},
		{"npm", "evil2", "1.0.0", ""},
		{"npm", "taken-over", "1.2.3", "MAL-2"},
		{"npm", "taken-over", "1.2.4", ""},
		{"npm", "taken-over", "", ""},
		{"npm", "old", "0.9.0", ""},
		{"npm", "old", "1.9.0", "GHSA-1"},
		{"npm", "old", "1.10.0", ""},
		{"npm", "old", "2.3.0", "GHSA-1"},
		{"npm", "old", "2.3.1", ""},
		{"npm", "old", "not a version", "GHSA-1"},
		{"pypi", "some.thing", "1.0.0", "PYSEC-1"},
		{"pypi", "some-thing", "2.0.post1", "PYSEC-1"},
		{"pypi", "some-thing", "2.1", ""},
		{"pypi", "some-thing", "2.0rc1", ""},
		{"npm", "fine", "1.0.0", ""},
		{"npm", "n0", "1.0.0", "GHSA-x0"},
		{"npm", "n299", "1.0.0", "GHSA-x299"},
		{"npm", "", "", ""},
		{"npm", "zzz", "", ""},
	} {
		found, err := db.Find(c.ecosystem, c.name, c.version)
		got := ""
		for _, e := range found {
			got += e.ID
		}
		if err != nil || got != c.want {
			t.Errorf("%s %s %q: %q, %v", c.ecosystem, c.name, c.version, got, err)
		}
	}
}

func TestAnImportReplacesItsEcosystemOnly(t *testing.T) {
	file := filepath.Join(t.TempDir(), "db")
	for _, records := range []string{
		record1("MAL-1", "npm", "evil", "", `{"introduced": "0"}`),
		record1("MAL-2", "PyPI", "evil", "", `{"introduced": "0"}`),
		record1("MAL-3", "npm", "other", "", `{"introduced": "0"}`),
	} {
		if _, err := Import(file, archive(t, records)); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const want = "npm/other\t{\"id\":\"MAL-3\",\"t\":\"s\",\"r\":[{\"i\":\"0\"}]}\n" +
		"pypi/evil\t{\"id\":\"MAL-2\",\"t\":\"s\",\"r\":[{\"i\":\"0\"}]}\n"
	if string(data) != want {
		t.Errorf("%s", data)
	}
	if _, err := Import(file, archive(t, `{"id": "X"}`)); err == nil {
		t.Error("an import of nothing")
	}
	if after, _ := os.ReadFile(file); string(after) != want {
		t.Error("a failed import changed the database")
	}
}
