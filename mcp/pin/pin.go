package pin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/safetext"
	"github.com/mcpbox/mcpbox/mcp/internal/wire"
)

// File holds approved tool definitions. It is stored as a JSON file.
type File struct {
	Server string `json:"server"` // serverInfo.name
	// serverInfo.version when they were approved
	Version string    `json:"version,omitempty"`
	Time    time.Time `json:"approved"`
	// the server's instructions for the model, from the handshake; nil: not pinned
	Instructions *string          `json:"instructions,omitempty"`
	Tools        map[string]*Tool `json:"tools"`
}

// Tool is one approved definition. The digest covers the whole definition.
type Tool struct {
	Digest     string         `json:"sha256"`
	Definition map[string]any `json:"definition"`
}

// NewTool digests a tool's definition as canonical JSON: sorted names, no white space.
func NewTool(raw []byte) (*Tool, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	p := &Tool{}
	if err := dec.Decode(&p.Definition); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(wire.Encode(p.Definition))
	p.Digest = hex.EncodeToString(sum[:])
	return p, nil
}

// Diff lists the changes from p to q, one line a member, such as: description: "a" → "b"
func (p *Tool) Diff(q *Tool) []string {
	var out []string
	diffValues("", p.Definition, q.Definition, &out)
	if len(out) == 0 {
		out = []string{"the digests differ"} // a file that was edited by hand
	}
	return out
}

const maxShown = 200

func diffValues(at string, a, b any, out *[]string) {
	x, isMap := a.(map[string]any)
	y, both := b.(map[string]any)
	if isMap && both {
		keys := map[string]bool{}
		for k := range x {
			keys[k] = true
		}
		for k := range y {
			keys[k] = true
		}
		sorted := make([]string, 0, len(keys))
		for k := range keys {
			sorted = append(sorted, k)
		}
		slices.Sort(sorted)
		for _, k := range sorted {
			sub := safetext.Clean(k, 60)
			if at != "" {
				sub = at + "." + sub
			}
			was, wasThere := x[k]
			is, isThere := y[k]
			switch {
			case !wasThere:
				*out = append(*out, fmt.Sprintf("%s: added %s", sub, show(is)))
			case !isThere:
				*out = append(*out, fmt.Sprintf("%s: removed %s", sub, show(was)))
			default:
				diffValues(sub, was, is, out)
			}
		}
		return
	}
	if !bytes.Equal(wire.Encode(a), wire.Encode(b)) {
		*out = append(*out, fmt.Sprintf("%s: %s → %s", at, show(a), show(b)))
	}
}

// show makes a value from a server safe for a terminal.
func show(v any) string {
	if s, ok := v.(string); ok {
		return `"` + safetext.Clean(s, maxShown) + `"`
	}
	return safetext.Clean(string(wire.Encode(v)), maxShown)
}

// Load reads a file of pins.
func Load(file string) (*File, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hint.Errorf("create it with: mcpbox mcp pin --pins FILE -- SERVER", "pins: %w",
			err)
	}
	if err != nil {
		return nil, fmt.Errorf("pins: %w", err)
	}
	p := &File{}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(p); err != nil || p.Tools == nil {
		return nil, hint.Errorf("create it again with: mcpbox mcp pin --pins FILE -- SERVER",
			"pins %s: not a file that mcpbox mcp pin wrote: %v", file, err)
	}
	for name, pin := range p.Tools {
		if pin == nil || pin.Digest == "" {
			return nil, hint.Errorf("create it again with: mcpbox mcp pin --pins FILE -- SERVER",
				"pins %s: tool %q has no digest", file, name)
		}
	}
	return p, nil
}

// InstructionsChanged compares the server's instructions with the approved ones. It returns the
// difference, or "" if there is none or no instructions were approved.
func (p *File) InstructionsChanged(now string) string {
	if p == nil || p.Instructions == nil || *p.Instructions == now {
		return ""
	}
	return fmt.Sprintf("instructions: %s → %s", show(*p.Instructions), show(now))
}

// Save writes the file atomically.
func (p *File) Save(file string) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(p); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".pins-*")
	if err != nil {
		return fmt.Errorf("pins: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b.Bytes())
	if err = errors.Join(err, tmp.Close()); err != nil {
		return fmt.Errorf("pins: %w", err)
	}
	return os.Rename(tmp.Name(), file)
}

// Diff compares the approved tools with the server's tools now. It returns one sorted line for each
// difference, and nil if there is none.
func (p *File) Diff(now *File) (out []string) {
	names := map[string]bool{}
	for n := range p.Tools {
		names[n] = true
	}
	for n := range now.Tools {
		names[n] = true
	}
	sorted := make([]string, 0, len(names))
	for n := range names {
		sorted = append(sorted, n)
	}
	slices.Sort(sorted)
	for _, n := range sorted {
		was, is := p.Tools[n], now.Tools[n]
		name := safetext.Clean(n, 80)
		switch {
		case was == nil:
			line := "+ " + name
			if about, ok := is.Definition["description"]; ok {
				line += ": " + show(about)
			}
			out = append(out, line)
		case is == nil:
			out = append(out, fmt.Sprintf("- %s", name))
		case was.Digest != is.Digest:
			for _, d := range was.Diff(is) {
				out = append(out, fmt.Sprintf("~ %s.%s", name, d))
			}
		}
	}
	if p.Instructions != nil && now.Instructions != nil && *p.Instructions != *now.Instructions {
		out = append(out, fmt.Sprintf("~ instructions: %s → %s", show(*p.Instructions),
			show(*now.Instructions)))
	}
	return out
}
