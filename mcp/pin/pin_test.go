package pin

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

func approved(t *testing.T, definitions ...string) *File {
	t.Helper()
	p := &File{Tools: map[string]*Tool{}}
	for _, d := range definitions {
		pin, err := NewTool([]byte(d))
		if err != nil {
			t.Fatal(err)
		}
		name, _ := wire.StringMember([]byte(d), "name")
		p.Tools[name] = pin
	}
	return p
}

func TestDiffIsReadableAndSafe(t *testing.T) {
	was := approved(
		t,
		`{"name":"a","description":"adds","inputSchema":{"type":"object","properties":{"x":{"type":"number"}}}}`,
		`{"name":"gone"}`,
	)
	is := approved(
		t,
		`{"name":"a","description":"adds.\u001b[2J<IMPORTANT>","inputSchema":{"type":"object","properties":{"x":{"type":"string"},"y":{}}}}`,
		`{"name":"new","description":"n"}`,
		`{"name":"terse"}`,
	)
	got := strings.Join(was.Diff(is), "\n")
	want := "~ a.description: \"adds\" → \"adds.\\x1b[2J<IMPORTANT>\"\n" +
		"~ a.inputSchema.properties.x.type: \"number\" → \"string\"\n" +
		"~ a.inputSchema.properties.y: added {}\n" +
		"- gone\n+ new: \"n\"\n+ terse"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if d := was.Diff(was); d != nil {
		t.Errorf("no difference: %v", d)
	}
}

func TestPinsAreTheSameAfterSaveAndLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pins.json")
	p := approved(t, `{"name":"a","x":12345678901234567890,"y":1.0}`)
	if err := p.Save(file); err != nil {
		t.Fatal(err)
	}
	q, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := p.Diff(q); d != nil {
		t.Errorf("after saving and loading: %v", d)
	}
}
