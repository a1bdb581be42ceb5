package access

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/mcpbox/mcpbox/internal/hint"
	"github.com/mcpbox/mcpbox/internal/semver"
)

// Layers returns the layers in the order in which they decide.
func Layers() []Layer {
	return []Layer{LayerGlobal, LayerServer, LayerPackage, LayerVersion, LayerTool, LayerResource,
		LayerPrompt, LayerParameter}
}

// Effect says whether a rule allows or denies what it matches.
type Effect string

const (
	Allow Effect = "allow"
	Deny  Effect = "deny"
)

// Rule is one line of an allowlist. A set has at most one rule for each layer, server and match.
type Rule struct {
	Layer Layer `json:"layer"`
	// glob of the servers that it applies to; "*": all
	Server string `json:"server"`
	// depends on the layer: see the package's documentation
	Match  string          `json:"match,omitempty"`
	Effect Effect          `json:"effect"`           // a parameter rule has Allow
	Schema json.RawMessage `json:"schema,omitempty"` // for parameter rules
	// for parameter rules: argument → folders, as the server sees them
	Paths map[string][]string `json:"paths,omitempty"`
	Note  string              `json:"note,omitempty"`
	// when the rule ends to apply; nil: never
	Expires *time.Time `json:"expires,omitempty"`
	// the rule does not apply before that; nil: it applies
	DisabledUntil *time.Time `json:"disabled_until,omitempty"`

	off bool   // it does not apply now, but closes its layer: what it allowed is refused
	key string // its key in the policy, if that is not the layer's key
}

const (
	digestPrefix  = "sha256:"
	commandPrefix = "command:"
	maxText       = 1024
	maxSchema     = 1 << 20
)

// ID returns a short name of the rule. It depends on layer, server and match only.
func (r Rule) ID() string {
	sum := sha256.Sum256([]byte(string(r.Layer) + "\x00" + r.Server + "\x00" + r.Match))
	return hex.EncodeToString(sum[:6])
}

// String returns the rule in one line.
func (r Rule) String() string {
	var b strings.Builder
	b.WriteString(string(r.Layer) + " " + string(r.Effect))
	if r.Match != "" {
		b.WriteString(" " + r.Match)
	}
	if r.Server != "*" {
		b.WriteString(" (server " + r.Server + ")")
	}
	if r.Schema != nil {
		b.WriteString(" " + string(r.Schema))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Paths)) {
		b.WriteString(" " + name + " in " + strings.Join(r.Paths[name], ", "))
	}
	if r.DisabledUntil != nil {
		b.WriteString(" (disabled until " + r.DisabledUntil.Format(time.RFC3339) + ")")
	}
	if r.Expires != nil {
		b.WriteString(" (expires " + r.Expires.Format(time.RFC3339) + ")")
	}
	return printable(b.String())
}

// AppliesAt reports whether a rule is in force at a time.
func (r Rule) AppliesAt(now time.Time) bool {
	return (r.Expires == nil || now.Before(*r.Expires)) &&
		(r.DisabledUntil == nil || !now.Before(*r.DisabledUntil))
}

// NextChange is when a rule that applies ends to, or one that does not begins to; zero: never.
func NextChange(list []Rule, now time.Time) (next time.Time) {
	for _, r := range list {
		for _, at := range []*time.Time{r.Expires, r.DisabledUntil} {
			if at != nil && at.After(now) && (next.IsZero() || at.Before(next)) {
				next = *at
			}
		}
	}
	return next
}

// printable escapes unprintable characters as JSON does, so a schema keeps its meaning.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// Canonical checks a rule and returns it in the form that is stored and compared.
func (r Rule) Canonical() (Rule, error) {
	if r.Server == "" {
		r.Server = "*"
	}
	if r.Layer == LayerParameter && r.Effect == "" {
		r.Effect = Allow
	}
	if r.Effect != Allow && r.Effect != Deny {
		return r, hint.Errorf("use allow or deny", "rule: unknown effect %q", r.Effect)
	}
	for _, s := range []string{r.Server, r.Match, r.Note} {
		if len(s) > maxText || strings.ContainsFunc(s,
			func(c rune) bool { return !unicode.IsPrint(c) }) {
			return r, hint.Errorf("at most 1024 bytes, on one line",
				"rule: %q is too long or has unprintable characters", s[:min(len(s), 40)])
		}
	}
	for _, at := range []**time.Time{&r.Expires, &r.DisabledUntil} {
		if *at != nil { // whole seconds of UTC: equal times have equal texts
			utc := (*at).UTC().Truncate(time.Second)
			*at = &utc
		}
	}
	if err := checkGlob(r.Server); err != nil {
		return r, err
	}
	if err := r.checkMatch(); err != nil {
		return r, err
	}
	if r.Layer == LayerParameter && (r.Expires != nil || r.DisabledUntil != nil) {
		return r, hint.Errorf("give the tool's own rule a time, or remove this one",
			"rule: a parameter rule can't expire or be disabled: every argument would be allowed")
	}
	if r.Layer != LayerParameter {
		if r.Schema != nil || r.Paths != nil {
			return r, hint.Errorf("use the layer parameter",
				"rule: a %s rule takes no schema and no paths", r.Layer)
		}
		return r, nil
	}
	if r.Effect != Allow {
		return r, hint.Errorf("describe in the schema what is allowed",
			"rule: a parameter rule can't deny")
	}
	if len(r.Schema) == 0 && len(r.Paths) == 0 {
		return r, hint.Errorf("give --schema or --path",
			"rule: parameters of %s: neither a schema nor paths", r.Match)
	}
	for name, folders := range r.Paths {
		for _, f := range folders {
			if !path.IsAbs(f) || path.Clean(f) != f || name == "" {
				return r, hint.Errorf("as the server sees it, e.g. /work",
					"rule: parameters of %s: %q is not an absolute path", r.Match, f)
			}
		}
	}
	if len(r.Schema) > 0 {
		schema, err := canonicalSchema(r.Schema)
		if err != nil {
			const example = `a schema such as {"properties": {"name": {"pattern": "^[a-z]+$"}}}`
			return r, hint.Errorf(example, "rule: parameters of %s: %w", r.Match, err)
		}
		r.Schema = schema
	}
	return r, nil
}

func (r Rule) checkMatch() error {
	if !slices.Contains(layers, r.Layer) {
		return hint.Errorf("use one of: global, server, package, version, tool, resource, prompt, "+
			"parameter; such as: tool 'read_*'", "rule: unknown layer %q", r.Layer)
	}
	switch {
	case r.Match != "" && r.Layer == LayerGlobal:
		return hint.Errorf("leave it out", "rule: the layer global takes no match, not %q", r.Match)
	case r.Match == "" && r.Layer != LayerGlobal:
		return hint.Errorf("name what it matches, such as: tool 'read_*'",
			"rule: the layer %s needs a match", r.Layer)
	}
	switch r.Layer {
	case LayerGlobal:
		return nil
	case LayerServer:
		if digest, ok := strings.CutPrefix(r.Match, digestPrefix); ok {
			if sum, err := hex.DecodeString(digest); err != nil || len(sum) != sha256.Size ||
				strings.ToLower(digest) != digest {
				return hint.Errorf("sha256sum FILE prints it",
					"rule: %q is not sha256: and 64 lower-case hexadecimal digits", r.Match)
			}
			return nil
		}
		return checkGlob(strings.TrimPrefix(r.Match, commandPrefix))
	case LayerPackage:
		name, span := splitPackage(r.Match)
		if _, err := semver.ParseRange(span); err != nil {
			return hint.Errorf(`a package and a range such as "@acme/notes@^1.2"`,
				"rule: %q is not a package with a range", r.Match)
		}
		return checkGlob(name)
	case LayerVersion:
		if _, err := semver.ParseRange(r.Match); err != nil {
			return hint.Errorf(`a range such as ">=1.2 <2" or "^1.2.3"`,
				"rule: %q is not a version range", r.Match)
		}
		return nil
	case LayerTool, LayerResource, LayerPrompt, LayerParameter:
		return checkGlob(r.Match)
	}
	return nil
}

// layers are those that a rule may have.
var layers = []Layer{LayerGlobal, LayerServer, LayerPackage, LayerVersion, LayerTool,
	LayerResource, LayerPrompt, LayerParameter}

func checkGlob(pattern string) error {
	if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
		return hint.Errorf("*, ? and [a-z] are wildcards; put \\ before a character that is "+
			"meant literally", "rule: %q is not a glob", pattern)
	}
	return nil
}

// canonicalSchema checks a schema. It returns the schema without blanks and with sorted keys.
func canonicalSchema(raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) > maxSchema {
		return nil, fmt.Errorf("the schema is larger than 1 MiB")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var tree map[string]any
	if err := dec.Decode(&tree); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if dec.More() {
		return nil, fmt.Errorf("there is text after the schema")
	}
	if _, err := newParameters(tree, nil); err != nil {
		return nil, err
	}
	return marshal(tree)
}

// marshal does not escape <, > and &, because people read rules.
func marshal(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// JSON returns the rule in the form that is stored, compared and hashed.
func (r Rule) JSON() json.RawMessage {
	text, err := marshal(r)
	if err != nil { // the schema is not JSON, but Canonical refuses that
		panic(err)
	}
	return text
}
