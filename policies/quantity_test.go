package policies

import (
	"encoding/json"
	"math"
	"testing"
)

func TestSizesAreRead(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "64k": 64 << 10, "64K": 64 << 10, "256MiB": 256 << 20, "256 MiB": 256 << 20,
		"1GB": 1e9, "1gb": 1e9,
		"1.5GiB": 3 << 29,
		"1b":     1, "2T": 2 << 40, "7EiB": 7 << 60, "9223372036854775807": math.MaxInt64,
		"0.5k": 512,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "-1k", "8EiB", "9223372036854775808", "1.5",
		"0.1k", "1/2", "1e3", "0x10", "1 2", "1XB", "1iB", "..5", "1.", "١k"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d; want an error", text, got)
		}
	}
}

func TestSizesArePrintedForPeople(t *testing.T) {
	for size, want := range map[Size]string{0: "0", 1: "1", 1000: "1kB", 1024: "1KiB", 1536: "1536",
		256 << 20: "256MiB", 1e9: "1GB", 3 << 29: "1536MiB", 64000: "64kB"} {
		if got := size.String(); got != want {
			t.Errorf("Size(%d) prints as %s; want %s", int64(size), got, want)
		}
	}
}

func TestDurationsAreRead(t *testing.T) {
	for text, want := range map[string]string{"30s": "30s", "90": "1m30s", "1.5": "1.5s",
		"2m": "2m", "1h": "1h", "1h30m": "1h30m", "250ms": "250ms", "0": "0s"} {
		if got, err := ParseDuration(text); err != nil || got.String() != want {
			t.Errorf("ParseDuration(%q) = %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1s", "-1", "1d", "soon", "9999999999999s", "1e3",
		"99999999999999999999"} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %s; want an error", text, got)
		}
	}
}

func TestQuantitiesSurviveJSON(t *testing.T) {
	var l Limits
	if err := json.Unmarshal([]byte(
		`{"memory": "256MiB", "disk": 1024, "timeout": "30s", "cpu_time": 1.5}`), &l); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(l)
	if want := `{"memory":"256MiB","timeout":"30s","cpu_time":"1.5s","disk":"1KiB"}`; err != nil ||
		string(data) != want {
		t.Errorf("got %s, %v; want %s", data, err, want)
	}
}
