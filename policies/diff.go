package policies

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/mcpbox/mcpbox/policies/internal/yaml"
)

// Change is one difference between two policies: an old value, a new one, or both. For an entry of
// a list it has only one of them.
type Change struct {
	Path string `json:"path"`
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
}

// String returns "+ path: new", "- path: old" or "~ path: old → new".
func (c Change) String() string {
	switch {
	case c.Old == "":
		return "+ " + c.Path + ": " + c.New
	case c.New == "":
		return "- " + c.Path + ": " + c.Old
	}
	return "~ " + c.Path + ": " + c.Old + " → " + c.New
}

// Diff returns the changes from a to b, field by field, sorted by path. It ignores names,
// descriptions and the order of lists.
func Diff(a, b *Policy) []Change {
	var changes []Change
	before, after := *a, *b
	before.Name, before.Description, before.Extends = after.Name, after.Description, after.Extends
	diff("", reflect.ValueOf(before), reflect.ValueOf(after), &changes)
	slices.SortStableFunc(changes, func(x, y Change) int {
		return cmp.Or(cmp.Compare(x.Path, y.Path), cmp.Compare(x.New, y.New),
			cmp.Compare(x.Old, y.Old))
	})
	return changes
}

func diff(path string, a, b reflect.Value, changes *[]Change) {
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			diff(yaml.Join(path, yaml.Key(a.Type().Field(i))), a.Field(i), b.Field(i), changes)
		}
	case reflect.Slice:
		old, new := items(a), items(b)
		for _, s := range old {
			if !slices.Contains(new, s) {
				*changes = append(*changes, Change{Path: path, Old: s})
			}
		}
		for _, s := range new {
			if !slices.Contains(old, s) {
				*changes = append(*changes, Change{Path: path, New: s})
			}
		}
	case reflect.Map:
		keys := append(sortedMapKeys(a), sortedMapKeys(b)...)
		slices.Sort(keys)
		for _, key := range slices.Compact(keys) {
			k := reflect.ValueOf(key)
			c := Change{Path: yaml.Join(path, key)}
			if v := a.MapIndex(k); v.IsValid() {
				c.Old = flow(v)
			}
			if v := b.MapIndex(k); v.IsValid() {
				c.New = flow(v)
			}
			if c.Old != c.New {
				*changes = append(*changes, c)
			}
		}
	default:
		if !a.Equal(b) {
			*changes = append(*changes, Change{path, orUnset(a), orUnset(b)})
		}
	}
}

// items returns a list's entries as texts. It splits rules with several names, so that the grouping
// of names makes no difference.
func items(list reflect.Value) (texts []string) {
	for i := range list.Len() {
		switch value := list.Index(i).Interface().(type) {
		case SyscallRule:
			for _, name := range value.Names {
				texts = append(texts, SyscallRule{Names: []string{name}, Args: value.Args}.String())
			}
		default:
			texts = append(texts, flow(list.Index(i)))
		}
	}
	return texts
}

func orUnset(v reflect.Value) string {
	if v.IsZero() {
		return "(unset)"
	}
	return flow(v)
}
