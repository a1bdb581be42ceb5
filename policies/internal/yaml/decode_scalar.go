package yaml

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/mcpbox/mcpbox/internal/nearest"
)

func (d *decoder) decodeQuantity(path string, n ast.Node, v reflect.Value, example string) {
	word, ok := text(n)
	if !ok {
		d.fail(n, "", "%s is a quantity such as %s, not %s", path, example, kindOf(n))
		return
	}
	if err := v.Addr().Interface().(interface{ Set(string) error }).Set(word); err != nil {
		d.fail(n, "write it like "+example, "%s: %v", path, err)
	}
}

func (d *decoder) decodeScalar(path string, n ast.Node, v reflect.Value, enum string) {
	word, isScalar := text(n)
	_, isNumber := n.(*ast.IntegerNode)
	if _, ok := n.(*ast.FloatNode); ok {
		isNumber = true
	}
	switch v.Kind() {
	case reflect.String:
		if !isText(n) {
			d.fail(n, "quote it if it is meant as text", "%s is text, not %s", path, kindOf(n))
			return
		}
		if known := strings.Split(enum, ","); enum != "" && !slices.Contains(known, word) {
			d.fail(n, nearest.Hint(word, known), "%s: unknown value %q", path, word)
			return
		}
		v.SetString(word)
	case reflect.Bool:
		if _, ok := n.(*ast.BoolNode); !ok {
			d.fail(n, "", "%s is true or false, not %s", path, kindOf(n))
			return
		}
		v.SetBool(strings.EqualFold(word, "true"))
	case reflect.Uint64: // only argument rules: numbers or names of constants
		if !isScalar {
			d.fail(n, "", "%s is a number or a constant's name, not %s", path, kindOf(n))
			return
		}
		number, err := d.types.Number(word)
		if err != nil {
			d.failed(n, fmt.Errorf("%s: %w", path, err))
		}
		v.SetUint(number)
	case reflect.Float64:
		number, err := strconv.ParseFloat(word, 64)
		if !isNumber || err != nil {
			d.fail(n, "", "%s is a number, not %s", path, kindOf(n))
			return
		}
		v.SetFloat(number)
	default:
		number, err := strconv.ParseInt(strings.TrimPrefix(word, "+"), 0, 64)
		if !isNumber || err != nil {
			d.fail(n, "", "%s is a whole number, not %s", path, kindOf(n))
			return
		}
		if v.Kind() == reflect.Uint { // an argument's index
			if number < 0 {
				d.fail(n, "arguments are numbered 0 to 5", "%s must not be negative", path)
				return
			}
			v.SetUint(uint64(number))
			return
		}
		v.SetInt(number)
	}
}
