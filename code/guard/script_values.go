package guard

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tdewolff/parse/v2/js"
)

// value is what an expression may be: text, a list of texts, or a name that can be reached without
// the snippet's doing ("eval", "process.env", and "module:fs" for what require gave).
type value struct {
	text *string
	list []string
	name string
}

// unknown is the name of what grows while the program runs.
const unknown = "?"

const (
	maxText   = 1 << 16
	maxValues = 4
	maxDepth  = 100
)

func known(text string) []value {
	if len(text) > maxText {
		return nil
	}
	return []value{{text: &text}}
}

// globals are the names that a program finds without declaring them, as far as rules speak of them.
func globalObject(name string) bool {
	switch name {
	case "globalThis", "global", "window", "self":
		return true
	}
	return false
}

func (s *script) bind(v *js.Var, values []value) {
	for v.Link != nil {
		v = v.Link
	}
	if len(s.values[v]) < maxValues {
		s.values[v] = append(s.values[v], values...)
	}
}

// of tells what an expression may be.
func (s *script) of(e js.IExpr, depth int) []value {
	if depth > maxDepth {
		return nil
	}
	depth++
	switch e := e.(type) {
	case *js.GroupExpr:
		return s.of(e.X, depth)
	case *js.CommaExpr:
		return s.of(e.List[len(e.List)-1], depth)
	case *js.CondExpr:
		return bounded(append(s.of(e.X, depth), s.of(e.Y, depth)...))
	case *js.LiteralExpr:
		switch e.TokenType {
		case js.StringToken:
			return known(unquote(e.Data))
		case js.DecimalToken, js.IntegerToken, js.HexadecimalToken:
			return known(number(e.Data))
		}
	case *js.Var:
		return s.variable(e)
	case *js.TemplateExpr:
		return s.template(e, depth)
	case *js.ArrayExpr:
		return s.array(e, depth)
	case *js.BinaryExpr:
		switch e.Op {
		case js.AddToken:
			return s.sum(e, depth)
		case js.OrToken, js.AndToken, js.NullishToken:
			return bounded(append(s.of(e.X, depth), s.of(e.Y, depth)...))
		case js.EqToken:
			return s.of(e.Y, depth)
		}
	case *js.DotExpr:
		return s.member(s.of(e.X, depth), literalName(e.Y))
	case *js.IndexExpr:
		var found []value
		for _, k := range s.of(e.Y, depth) {
			if k.text != nil {
				found = append(found, s.member(s.of(e.X, depth), *k.text)...)
			}
		}
		return bounded(found)
	case *js.CallExpr:
		return s.call(e, depth)
	case *js.UnaryExpr:
		if e.Op == js.AwaitToken {
			return s.of(e.X, depth)
		}
	}
	return nil
}

func bounded(v []value) []value { return v[:min(len(v), maxValues)] }

func (s *script) variable(e *js.Var) []value {
	v := e
	for v.Link != nil {
		v = v.Link
	}
	if v.Decl != js.NoDecl {
		return s.values[v]
	}
	name := identifier(v.Data)
	return append([]value{{name: name}}, s.values[v]...)
}

func literalName(e js.IExpr) string {
	switch e := e.(type) {
	case js.LiteralExpr: // after a dot
		return identifier(e.Data)
	case *js.LiteralExpr:
		return identifier(e.Data)
	case *js.Var:
		return identifier(e.Data)
	}
	return ""
}

func (s *script) member(base []value, name string) (found []value) {
	for _, v := range base {
		switch {
		case v.name == "":
		case globalObject(v.name):
			found = append(found, value{name: name})
		case name == "call" || name == "apply" || name == "bind":
			found = append(found, v)
		case name == "default" && strings.HasPrefix(v.name, "module:"):
			found = append(found, v)
		case v.name == "module" && name == "require" || v.name == "require.main" &&
			name == "require" || v.name == "process.mainModule" && name == "require":
			found = append(found, value{name: "require"})
		case v.name == "module:module" && name == "_load" || v.name == "module.constructor" &&
			name == "_load":
			found = append(found, value{name: "require"})
		case v.name == "module:process":
			found = append(found, value{name: "process." + name})
		default:
			found = append(found, value{name: v.name + "." + name})
		}
	}
	return bounded(found)
}

func (s *script) sum(e *js.BinaryExpr, depth int) (found []value) {
	for _, a := range s.of(e.X, depth) {
		for _, b := range s.of(e.Y, depth) {
			switch {
			case a.name == unknown || b.name == unknown:
				found = append(found, value{name: unknown})
			case a.text != nil && b.text != nil:
				found = append(found, known(*a.text+*b.text)...)
			}
		}
	}
	return bounded(found)
}

func (s *script) template(e *js.TemplateExpr, depth int) []value {
	if e.Tag != nil {
		if d, ok := e.Tag.(*js.DotExpr); !ok || literalName(d.Y) != "raw" {
			return nil
		}
	}
	var b strings.Builder
	for _, part := range e.List {
		b.WriteString(unescape(bytes.TrimSuffix(bytes.TrimLeft(part.Value, "`}"), []byte("${"))))
		t := s.texts(e.Tag, part.Expr, depth)
		if t == nil {
			return nil
		}
		b.WriteString(*t)
	}
	b.WriteString(unescape(bytes.TrimSuffix(bytes.TrimLeft(e.Tail, "`}"), []byte("`"))))
	return known(b.String())
}

func (s *script) texts(_ js.IExpr, e js.IExpr, depth int) *string {
	for _, v := range s.of(e, depth) {
		if v.text != nil {
			return v.text
		}
	}
	return nil
}

func (s *script) array(e *js.ArrayExpr, depth int) []value {
	list := []string{}
	var names []value
	for _, item := range e.List {
		for _, v := range s.of(item.Value, depth) {
			if v.text != nil {
				list = append(list, *v.text)
				break
			} else if v.name != "" {
				names = append(names, v)
			}
		}
	}
	if len(list) != len(e.List) || len(list) > 4096 {
		return bounded(names)
	}
	return []value{{list: list}}
}

// call follows what yields text or a module.
func (s *script) call(e *js.CallExpr, depth int) []value {
	if l, ok := e.X.(*js.LiteralExpr); ok && l.TokenType == js.ImportToken {
		return s.modules(e, depth)
	}
	for _, v := range s.of(e.X, depth) {
		switch v.name {
		case "require", "process.getBuiltinModule", "process.binding":
			return s.modules(e, depth)
		case "module:module.createRequire", "Module.createRequire":
			return []value{{name: "require"}}
		case "String.fromCharCode", "String.fromCodePoint":
			return s.characters(e, depth)
		case "atob":
			return s.decoded(e, depth, "base64")
		case "unescape", "decodeURIComponent", "decodeURI":
			if t := s.argument(e, 0, depth); t != nil {
				if plain, err := url.PathUnescape(*t); err == nil {
					return known(plain)
				}
			}
		case "Buffer.from":
			encoding := "utf8"
			if t := s.argument(e, 1, depth); t != nil {
				encoding = *t
			}
			return s.decoded(e, depth, encoding)
		case "Reflect.get":
			if t := s.argument(e, 1, depth); t != nil && len(e.Args.List) > 0 {
				return s.member(s.of(e.Args.List[0].Value, depth), *t)
			}
		}
	}
	if d, ok := e.X.(*js.DotExpr); ok {
		return s.method(e, d, depth)
	}
	return nil
}

func (s *script) modules(e *js.CallExpr, depth int) []value {
	if t := s.argument(e, 0, depth); t != nil {
		return []value{{name: "module:" + moduleName(*t)}}
	}
	return nil
}

func (s *script) argument(e *js.CallExpr, i, depth int) *string {
	if i >= len(e.Args.List) {
		return nil
	}
	return s.texts(nil, e.Args.List[i].Value, depth)
}

func (s *script) characters(e *js.CallExpr, depth int) []value {
	var codes []string
	for _, a := range e.Args.List {
		for _, v := range s.of(a.Value, depth) {
			if v.text != nil {
				codes = append(codes, *v.text)
			}
			codes = append(codes, v.list...)
		}
	}
	var b strings.Builder
	for _, c := range codes {
		n, err := strconv.Atoi(c)
		if err != nil || n < 0 || n > 0x10ffff {
			return nil
		}
		b.WriteRune(rune(n))
	}
	return known(b.String())
}

func (s *script) decoded(e *js.CallExpr, depth int, encoding string) []value {
	t := s.argument(e, 0, depth)
	if t == nil {
		return s.characters(e, depth) // Buffer.from([101, 118, …])
	}
	switch encoding {
	case "base64", "base64url":
		clean := strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(*t)
		if data, err := base64.RawStdEncoding.DecodeString(clean); err == nil {
			return known(string(data))
		}
	case "hex":
		if data, err := hex.DecodeString(*t); err == nil {
			return known(string(data))
		}
	default:
		return known(*t)
	}
	return nil
}

// method folds the methods of strings and lists with which names are put together.
func (s *script) method(e *js.CallExpr, d *js.DotExpr, depth int) []value {
	name := literalName(d.Y)
	arg := func(i int, unset string) string {
		if t := s.argument(e, i, depth); t != nil {
			return *t
		}
		return unset
	}
	for _, v := range s.of(d.X, depth) {
		if v.list != nil {
			switch name {
			case "join":
				return known(strings.Join(v.list, arg(0, ",")))
			case "reverse":
				list := slices.Clone(v.list)
				slices.Reverse(list)
				return []value{{list: list}}
			case "map": // codes to characters, the usual way
				if len(e.Args.List) == 1 {
					for _, f := range s.of(e.Args.List[0].Value, depth) {
						if f.name == "String.fromCharCode" {
							return s.fromCodes(v.list)
						}
					}
					if _, arrow := e.Args.List[0].Value.(*js.ArrowFunc); arrow {
						return s.fromCodes(v.list)
					}
				}
			}
		}
		if v.text == nil {
			continue
		}
		t := *v.text
		switch name {
		case "toString", "valueOf", "trim", "normalize":
			return known(t)
		case "concat":
			for i := range e.Args.List {
				t += arg(i, "")
			}
			return known(t)
		case "toLowerCase":
			return known(strings.ToLower(t))
		case "toUpperCase":
			return known(strings.ToUpper(t))
		case "replace":
			return known(strings.Replace(t, arg(0, "\x00"), arg(1, ""), 1))
		case "replaceAll":
			if from := arg(0, ""); from != "" {
				return known(strings.ReplaceAll(t, from, arg(1, "")))
			}
		case "split":
			return []value{{list: strings.Split(t, arg(0, "\x00"))}}
		case "slice", "substring", "substr":
			return cutText(t, name, arg(0, "0"), arg(1, ""))
		}
	}
	return nil
}

func (s *script) fromCodes(codes []string) []value {
	list := make([]string, len(codes))
	for i, c := range codes {
		n, err := strconv.Atoi(c)
		if err != nil || n < 0 || n > 0x10ffff {
			return nil
		}
		list[i] = string(rune(n))
	}
	return []value{{list: list}}
}

func cutText(t, name, from, to string) []value {
	a, err := strconv.Atoi(from)
	if err != nil {
		return nil
	}
	b, err := strconv.Atoi(to)
	if err != nil {
		b = len(t)
	}
	if name == "substr" && to != "" {
		b += a
	}
	if a < 0 {
		a += len(t)
	}
	if b < 0 {
		b += len(t)
	}
	a, b = min(max(a, 0), len(t)), min(max(b, 0), len(t))
	if a > b {
		return nil
	}
	return known(t[a:b])
}
