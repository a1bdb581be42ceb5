package reference

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/mcpbox/mcpbox/policies"
	"github.com/mcpbox/mcpbox/policies/internal/yaml"
)

// Markdown is docs/POLICY.md: every key with its type, its default and an example.
func Markdown(intro string) []byte {
	var b strings.Builder
	b.WriteString(intro)
	t := reflect.TypeFor[policies.Policy]()
	for i := range t.NumField() {
		f := t.Field(i)
		fmt.Fprintf(&b, "\n## %s\n", yaml.Key(f))
		describeKey(&b, t, f, yaml.Key(f))
	}
	return []byte(b.String())
}

// describeKey writes one key, and then those below it.
func describeKey(b *strings.Builder, in reflect.Type, f reflect.StructField, path string) {
	k, _ := lookup(path)
	if strings.ContainsAny(path, ".[") {
		fmt.Fprintf(b, "\n### `%s`\n", path)
	}
	b.WriteString("\n" + wrap(k.what) + "\n")
	if f.Type.Kind() != reflect.Struct {
		facts := wrap("- Type: "+typeName(f.Type, f.Tag.Get("enum"))) + "\n"
		if needed(in, yaml.Key(f)) {
			facts += "- Required\n"
		} else if k.unset != "" {
			facts += "- Default: " + k.unset + "\n"
		}
		if k.example != "" {
			facts += "- Example: `" + yaml.Key(f) + ": " + k.example + "`\n"
		}
		b.WriteString("\n" + facts)
	}
	if path == "syscalls.deny" || path == "network.deny" {
		return // its entries are those of syscalls.allow
	}
	sub, below := f.Type, path
	for sub.Kind() == reflect.Slice || sub.Kind() == reflect.Map {
		sub, below = sub.Elem(), below+"[]"
	}
	if sub.Kind() != reflect.Struct {
		return
	}
	for i := range sub.NumField() {
		describeKey(b, sub, sub.Field(i), below+"."+yaml.Key(sub.Field(i)))
	}
}

func typeName(t reflect.Type, enum string) string {
	switch t {
	case reflect.TypeFor[policies.Size]():
		return "size (`256MiB`, `1GB`, `64k`, or bytes)"
	case reflect.TypeFor[policies.Duration]():
		return "duration (`30s`, `1m30s`, or seconds)"
	case reflect.TypeFor[map[string]any]():
		return "JSON Schema"
	}
	switch t.Kind() {
	case reflect.Slice:
		return "list of " + plural(typeName(t.Elem(), enum))
	case reflect.Map:
		return "mapping from names to: " + typeName(t.Elem(), "")
	case reflect.Struct:
		if t == reflect.TypeFor[policies.SyscallRule]() {
			return "name or mapping"
		}
		return "mapping"
	case reflect.String:
		if enum != "" {
			return "`" + strings.ReplaceAll(enum, ",", "`, `") + "`"
		}
		return "text"
	case reflect.Bool:
		return "`true` or `false`"
	case reflect.Float64:
		return "number"
	case reflect.Uint64:
		return "number or names of constants"
	}
	return "whole number"
}

func plural(name string) string {
	switch name {
	case "text":
		return "texts"
	case "mapping":
		return "mappings"
	case "name or mapping":
		return "names or mappings"
	}
	return name
}

// wrap breaks a paragraph, or a list's entry, into lines of at most 100 columns.
func wrap(text string) string {
	var b strings.Builder
	indent := ""
	if strings.HasPrefix(text, "- ") {
		indent = "  "
	}
	width := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case width == 0:
		case width+1+len(word) > 100:
			b.WriteString("\n" + indent)
			width = len(indent)
		default:
			b.WriteByte(' ')
			width++
		}
		b.WriteString(word)
		width += len(word)
	}
	return b.String()
}
