package policies

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/mcpbox/mcpbox/policies/internal/yaml"
)

// YAML writes the resolved policy as a file that Parse reads back as the same policy.
func (p *Policy) YAML() []byte {
	var b strings.Builder
	v := reflect.ValueOf(p).Elem()
	writeFields(&b, "", v)
	return []byte(b.String())
}

// writeFields writes nested structs as blocks, and each entry below them on one line.
func writeFields(b *strings.Builder, indent string, v reflect.Value) {
	for i := range v.NumField() {
		field, key := v.Field(i), yaml.Key(v.Type().Field(i))
		switch {
		case field.IsZero() || isEmpty(field):
		case field.Kind() == reflect.Struct:
			b.WriteString(indent + key + ":\n")
			writeFields(b, indent+"  ", field)
		case field.Kind() == reflect.Map:
			b.WriteString(indent + key + ":\n")
			for _, name := range sortedMapKeys(field) {
				b.WriteString(indent + "  " + scalar(name) + ": " +
					flow(field.MapIndex(reflect.ValueOf(name))) + "\n")
			}
		case field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct:
			b.WriteString(indent + key + ":\n")
			for j := range field.Len() {
				b.WriteString(indent + "  - " + flow(field.Index(j)) + "\n")
			}
		default:
			b.WriteString(indent + key + ": " + flow(field) + "\n")
		}
	}
}

func isEmpty(v reflect.Value) bool {
	return (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.Len() == 0
}

// flow writes a value on one line.
func flow(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case Size, Duration:
		return fmt.Sprint(value)
	case SyscallRule:
		if value.plain() {
			return scalar(value.Names[0])
		}
	case NetworkRule:
		if text, ok := value.text(); ok {
			return scalar(text)
		}
	case map[string]any: // any JSON value
		return generic(value)
	}
	switch v.Kind() {
	case reflect.Struct:
		var fields []string
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if field := v.Field(i); !isEmpty(field) && (!field.IsZero() ||
				!strings.Contains(f.Tag.Get("yaml"), ",omitempty")) {
				fields = append(fields, yaml.Key(f)+": "+flow(field))
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = flow(v.Index(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.Map:
		var fields []string
		for _, name := range sortedMapKeys(v) {
			fields = append(fields, scalar(name)+": "+flow(v.MapIndex(reflect.ValueOf(name))))
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case reflect.String:
		return scalar(v.String())
	case reflect.Uint64:
		return fmt.Sprintf("%#x", v.Uint())
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64)
	}
	return fmt.Sprint(v.Interface())
}

// String returns the entry as a policy file has it.
func (m IOMax) String() string { return flow(reflect.ValueOf(m)) }

func generic(value any) string {
	switch value := value.(type) {
	case map[string]any:
		fields := make([]string, 0, len(value))
		for _, key := range sortedKeys(value) {
			fields = append(fields, scalar(key)+": "+generic(value[key]))
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case []any:
		items := make([]string, len(value))
		for i, item := range value {
			items[i] = generic(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case string:
		return scalar(value)
	}
	data, err := json.Marshal(value)
	if err != nil { // impossible for a value that was parsed from a policy
		return "null"
	}
	return string(data)
}

// scalar writes text without quotes if no reader could misread it. Otherwise it adds quotes.
func scalar(s string) string {
	plain := s != "" && (s[0] >= 'A' && s[0] <= 'Z' || s[0] >= 'a' && s[0] <= 'z' || s[0] == '/')
	for i := range len(s) {
		c := s[i]
		plain = plain && (c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' ||
			c == '_' || c == '/' || c == '-' || c == '.')
	}
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		plain = false
	}
	if plain {
		return s
	}
	return strconv.Quote(s)
}

func sortedMapKeys(m reflect.Value) []string {
	set := map[string]bool{}
	for _, k := range m.MapKeys() {
		set[k.String()] = true
	}
	return sortedKeys(set)
}
