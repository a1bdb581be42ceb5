package policies

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"
)

// FuzzParse: no input makes the parser panic. A parsed policy reads back equal from its YAML and
// its JSON.
func FuzzParse(f *testing.F) {
	for _, name := range PresetNames() {
		source, _ := PresetSource(name)
		f.Add(string(source))
	}
	golden, err := os.ReadFile("testdata/errors.golden")
	if err != nil {
		f.Fatal(err)
	}
	for part := range strings.SplitSeq(string(golden), "=== ") {
		_, rest, _ := strings.Cut(part, "\n")
		policy, _, _ := strings.Cut(rest, "--- says\n")
		f.Add(policy)
	}
	f.Add("extends: strict\nfilesystem: {rootfs: /r, mounts: [{source: ~/x, target: /x}], " +
		"hidden: [/etc/ssl]}\nmcp: {parameters: {a: {enum: [1, 1.5, null, true, \"\\u2028\", " +
		"{\"<<\": []}]}}}\n")
	f.Add("extends: basic\nlimits: {memory: 1.5GiB, cpus: .5, timeout: 1.5, io: [{device: " +
		"/dev/sda, read_bps: 1MB, write_iops: 7}]}\nrules: [{id: \"é\", when: |\n  true\n}]\n")
	f.Add("{\"extends\": \"standard\",\t\"environment\": {\"set\": {\"A\": " +
		"\"\\ud83d\\ude00\\u0000\"}}}")
	nothing := func(string) ([]byte, error) { return nil, fs.ErrNotExist }
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parse([]byte(text), "fuzz.yaml", nothing)
		if err != nil {
			var list *Error
			if !errors.As(err, &list) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("an error that is no list of problems, or of several lines: %q", err)
			}
			return
		}
		again, err := parse(p.YAML(), "fuzz.yaml", nothing)
		if err != nil {
			t.Fatalf("%v\n%s", err, p.YAML())
		}
		if !reflect.DeepEqual(p, again) {
			t.Fatalf("changed by YAML: %v\n%#v\n%#v\n%s", Diff(p, again), p, again, p.YAML())
		}
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		again, err = parse(data, "fuzz.yaml", nothing)
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if !reflect.DeepEqual(p, again) {
			t.Fatalf("changed by JSON: %v\n%s", Diff(p, again), data)
		}
	})
}

// FuzzSize: a parsed size is not negative, and reads back equal from its text.
func FuzzSize(f *testing.F) {
	for _, s := range []string{"256MiB", "1.5GiB", "1GB", "64k", "0", "-1", "9223372036854775807",
		"8EiB", "1e3", "1/3", "0x1p4", " 1 k "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		size, err := ParseSize(text)
		if err != nil {
			return
		}
		if again, err := ParseSize(size.String()); size < 0 || err != nil || again != size {
			t.Fatalf("%q is %d, prints as %s, reads back as %d, %v", text, int64(size), size,
				int64(again), err)
		}
	})
}

// FuzzDuration: the same for durations.
func FuzzDuration(f *testing.F) {
	for _, s := range []string{"30s", "1m30s", "1.5", "0", "-1s", "1h0m10s", "2540400h10m10s",
		"1µs", "1d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			return
		}
		if again, err := ParseDuration(d.String()); d < 0 || err != nil || again != d {
			t.Fatalf("%q is %d, prints as %s, reads back as %d, %v", text, int64(d), d,
				int64(again), err)
		}
	})
}
