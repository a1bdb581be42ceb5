package learn

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mcpbox/mcpbox/internal/plural"
)

const (
	maxDepth = 4  // of nested arguments; deeper, only the type is learnt
	maxKeys  = 64 // an object with more keys uses data as keys
)

// learner collects the reasons for what it infers.
type learner struct {
	minSamples int
	why        []string
	paths      map[string][]string // argument → folders
}

func (l *learner) because(at, format string, args ...any) {
	l.why = append(l.why, at+": "+fmt.Sprintf(format, args...))
}

// train returns the samples that constraints are derived from: the first two thirds. All samples
// must satisfy them.
func train[T any](all []T) []T { return all[:len(all)*2/3] }

// infer returns a schema for values, oldest first. at names the values in the reasons; "" stands
// for the arguments as a whole.
func (l *learner) infer(at string, values []any, depth int) map[string]any {
	types := typesOf(values)
	schema := map[string]any{"type": types[0]}
	if len(types) > 1 {
		schema["type"] = types
		l.because(at, "values of %d types: no further rule", len(types))
		return schema
	}
	if types[0] != "object" && len(values) < l.minSamples {
		l.because(at, "%s: only the type (at least %d are needed)",
			plural.Of(len(values), "sample"), l.minSamples)
		return schema
	}
	switch types[0] {
	case "string":
		l.text(at, schema, convert[string](values), depth)
	case "integer", "number":
		l.number(at, schema, values)
	case "array":
		l.list(at, schema, convert[[]any](values), depth)
	case "object":
		l.object(at, schema, convert[map[string]any](values), depth)
	}
	return schema
}

func convert[T any](values []any) (out []T) {
	for _, v := range values {
		out = append(out, v.(T))
	}
	return out
}

// typesOf returns the types of the values, with JSON Schema's names, sorted. Integers count as
// numbers if other numbers occur.
func typesOf(values []any) []string {
	seen := map[string]bool{}
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			seen["null"] = true
		case bool:
			seen["boolean"] = true
		case string:
			seen["string"] = true
		case []any:
			seen["array"] = true
		case map[string]any:
			seen["object"] = true
		case json.Number:
			if strings.ContainsAny(v.String(), ".eE") {
				seen["number"] = true
			} else {
				seen["integer"] = true
			}
		}
	}
	if seen["number"] {
		delete(seen, "integer")
	}
	return slices.Sorted(maps.Keys(seen))
}

func (l *learner) object(at string, schema map[string]any, values []map[string]any, depth int) {
	count := map[string][]any{}
	early := map[string]bool{}
	for i, v := range values {
		for key, item := range v {
			count[key] = append(count[key], item)
			if i < len(train(values)) {
				early[key] = true
			}
		}
	}
	if len(count) > maxKeys || depth >= maxDepth {
		l.because(at, "its keys look like data: no rule for them")
		return
	}
	properties := map[string]any{}
	required := []string{}
	for _, key := range slices.Sorted(maps.Keys(count)) {
		name := key
		if at != "" {
			name = at + "." + key
		}
		properties[key] = l.infer(name, count[key], depth+1)
		if len(count[key]) == len(values) {
			required = append(required, key)
		}
	}
	schema["properties"] = properties
	if len(values) < l.minSamples {
		return
	}
	if len(required) > 0 {
		schema["required"] = required
	}
	if len(early) == len(count) {
		schema["additionalProperties"] = false
	} else {
		l.because(at, "new keys still appeared in the last third: other keys stay allowed")
	}
}

func (l *learner) list(at string, schema map[string]any, values [][]any, depth int) {
	var items []any
	longest, trained := 0, 0
	for i, v := range values {
		longest = max(longest, len(v))
		if i < len(train(values)) {
			trained = longest
		}
		items = append(items, v...)
	}
	if bound := roomy(trained, 4); longest <= bound {
		schema["maxItems"] = roomy(longest, 4)
		l.because(at, "at most %s in %s", plural.Of(longest, "element"),
			plural.Of(len(values), "list"))
	} else {
		l.because(at, "lists still became longer in the last third: no maxItems")
	}
	if len(items) > 0 && depth < maxDepth {
		schema["items"] = l.infer(at+"[]", items, depth+1)
	}
}

// roomy returns a power of two times least that is at least 2n.
func roomy(n, least int) int {
	out := least
	for out < 2*n {
		out *= 2
	}
	return out
}

func (l *learner) number(at string, schema map[string]any, values []any) {
	lo, hi := spread(values)
	tlo, thi := spread(train(values))
	const exact = 1 << 53
	if math.IsInf(lo, 0) || lo < -exact || hi > exact {
		l.because(at, "numbers beyond 2^53: no range")
		return
	}
	if floor(tlo) <= lo {
		schema["minimum"] = json.Number(format(floor(lo)))
	} else {
		l.because(at, "the smallest still fell in the last third: no minimum")
	}
	if ceiling(thi) >= hi {
		schema["maximum"] = json.Number(format(ceiling(hi)))
	} else {
		l.because(at, "the largest still grew in the last third: no maximum")
	}
	l.because(at, "%s from %s to %s", plural.Of(len(values), "number"), format(lo), format(hi))
}

func format(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func spread(values []any) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		f, err := v.(json.Number).Float64()
		if err != nil {
			f = math.Inf(1)
		}
		lo, hi = min(lo, f), max(hi, f)
	}
	return lo, hi
}

// ceiling rounds up to 1, 2 or 5 times a power of ten. Below zero it returns zero.
func ceiling(f float64) float64 {
	if f <= 0 {
		return 0
	}
	for e := math.Pow(10, math.Floor(math.Log10(f))); ; e *= 10 {
		for _, m := range []float64{1, 2, 5} {
			if c := m * e; c >= f {
				return denoise(c)
			}
		}
	}
}

// floor rounds down like ceiling below zero. From one on it returns one, because counts begin
// there. Otherwise it returns zero.
func floor(f float64) float64 {
	switch {
	case f < 0:
		return -ceiling(-f)
	case f >= 1:
		return 1
	}
	return 0
}

// denoise removes rounding noise in the last digits, such as that of 0.1*3.
func denoise(f float64) float64 {
	out, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 12, 64), 64)
	return out
}
