package guard

import (
	"strings"

	"github.com/tdewolff/parse/v2/js"

	"github.com/mcpbox/mcpbox/monitor"
)

// collector remembers what variables are set to, before anything is judged: the order of the tree
// is not that of the code.
type collector struct{ *script }

func (c collector) Exit(js.INode) {}

func (c collector) Enter(n js.INode) js.IVisitor {
	switch n := n.(type) {
	case *js.BindingElement:
		if v, ok := n.Binding.(*js.Var); ok && n.Default != nil {
			c.bind(v, c.of(n.Default, 0))
		}
		if o, ok := n.Binding.(*js.BindingObject); ok && n.Default != nil {
			c.destructured(o, c.of(n.Default, 0))
		}
	case *js.BinaryExpr:
		if v, ok := n.X.(*js.Var); ok && n.Op == js.EqToken {
			c.bind(v, c.of(n.Y, 0))
		} else if ok && n.Op == js.AddEqToken {
			c.bind(v, []value{{name: unknown}})
		}
	}
	return c
}

// destructured: const {exec: run} = require('child_process').
func (c collector) destructured(o *js.BindingObject, base []value) {
	for _, item := range o.List {
		v, ok := item.Value.Binding.(*js.Var)
		if !ok {
			continue
		}
		name := identifier(v.Data)
		if item.Key != nil && !item.Key.IsComputed() {
			name = identifier(item.Key.Literal.Data)
			if item.Key.Literal.TokenType == js.StringToken {
				name = unquote(item.Key.Literal.Data)
			}
		} else if item.Key != nil {
			for _, k := range c.of(item.Key.Computed, 0) {
				if k.text != nil {
					name = *k.text
				}
			}
		}
		c.bind(v, c.member(base, name))
	}
}

// reporter judges every expression.
type reporter struct{ *script }

func (r reporter) Exit(js.INode) {}

func (r reporter) Enter(n js.INode) js.IVisitor {
	switch n := n.(type) {
	case *js.Var:
		r.name(n)
	case *js.ImportStmt:
		r.imported(unquote(n.Module), r.at(n.Module), "")
		for _, a := range n.List {
			name := string(a.Binding)
			if a.Name != nil {
				name = string(a.Name)
			}
			r.named(kindCall, moduleName(unquote(n.Module))+"."+name, r.at(n.Module), "imported")
		}
	case *js.ExportStmt:
		if n.Module != nil {
			r.imported(unquote(n.Module), r.at(n.Module), "")
		}
	case *js.DotExpr:
		r.attribute(n.X, literalName(n.Y), r.where(n.Y), "")
		r.reached(n, r.where(n.Y))
		js.Walk(r, n.X) // not the name after the dot, which is no variable
		return nil
	case *js.IndexExpr:
		r.index(n)
	case *js.CallExpr:
		r.called(n.X, &n.Args, n)
	case *js.NewExpr:
		if n.Args != nil {
			r.called(n.X, n.Args, nil)
		}
	case *js.BindingObject:
		r.binding(n)
	case *js.Property:
		if v, ok := n.Value.(*js.Var); ok { // {r: require}
			for _, found := range r.of(v, 0) {
				if found.name == "require" {
					r.add(kindCall, "require", monitor.High, r.at(v.Data),
						"handed on, to import by any name", "")
				}
			}
		}
	case *js.WithStmt:
		r.add(kindOther, "with", monitor.Medium, r.last, "names inside can be anything", "")
	}
	return r
}

func (r reporter) binding(o *js.BindingObject) {
	for _, item := range o.List {
		if item.Key != nil && !item.Key.IsComputed() &&
			identifier(item.Key.Literal.Data) == "constructor" {
			r.add(kindAttribute, "constructor", monitor.High, r.at(item.Key.Literal.Data),
				"reaches what makes functions from text", "taken apart")
		}
		if item.Key != nil && item.Key.IsComputed() {
			continue
		}
		if v, ok := item.Value.Binding.(*js.Var); ok {
			for _, found := range r.values[v] {
				r.value(found, r.at(v.Data), "")
			}
		}
	}
}

// name reports what is reached by a plain name: the dangerous globals, and variables that hold
// them.
func (r reporter) name(v *js.Var) {
	at := r.at(v.Data)
	root := v
	for root.Link != nil {
		root = root.Link
	}
	if root.Decl == js.NoDecl {
		r.named(kindCall, identifier(root.Data), at, "")
		return
	}
	for _, found := range r.values[root] {
		if found.name != "" && !strings.HasPrefix(found.name, "module:") {
			r.value(found, at, "as "+identifier(root.Data))
		}
	}
}

func (r reporter) value(v value, at place, how string) {
	if v.name == "" {
		return
	}
	if module, ok := strings.CutPrefix(v.name, "module:"); ok {
		r.named(kindModule, module, at, how)
		return
	}
	r.named(kindCall, v.name, at, how)
}

// reached reports dotted names: process.binding, globalThis.eval.
func (r reporter) reached(e js.IExpr, at place) {
	for _, v := range r.of(e, 0) {
		if module, ok := strings.CutPrefix(v.name, "module:"); ok && module != "" {
			r.named(kindCall, module, at, "")
		} else if v.name != "" {
			r.named(kindCall, v.name, at, "")
		}
	}
}

func (r reporter) attribute(x js.IExpr, name string, at place, how string) {
	if name == "constructor" {
		if d, ok := x.(*js.DotExpr); ok && literalName(d.Y) == "constructor" {
			r.add(kindAttribute, "constructor", monitor.High, at,
				"the constructor's constructor makes functions from text", how)
		} else if how != "" {
			r.add(kindAttribute, "constructor", monitor.High, at,
				"reaches what makes functions from text", how)
		}
		return
	}
	if name != "" {
		r.named(kindAttribute, name, at, how)
	}
}

// index judges x[y]: a constant y is a name, a computed one of a global object can be anything.
func (r reporter) index(n *js.IndexExpr) {
	at, texts := r.where(n.Y), 0
	for _, k := range r.of(n.Y, 0) {
		if k.text == nil {
			continue
		}
		texts++
		r.attribute(n.X, *k.text, at, "by name")
		switch *k.text {
		case "eval", "Function", "require", "process", "binding", "mainModule", "getBuiltinModule":
			r.add(kindCall, *k.text, monitor.High, at, "reached by its name in a text", "")
		}
	}
	if texts > 0 {
		r.reached(n, at)
		return
	}
	for _, v := range r.of(n.X, 0) {
		if globalObject(v.name) || v.name == "process" || v.name == "require" ||
			strings.HasPrefix(v.name, "module:child") {
			r.add(kindOther, "computed-name", monitor.High, at,
				"a name is computed where only a written one can be judged", "of "+v.name)
		}
	}
}

// called judges calls: of require and import, of constructors, and with paths.
func (r reporter) called(x js.IExpr, args *js.Args, call *js.CallExpr) {
	at := r.where(x)
	if l, ok := x.(*js.LiteralExpr); ok && l.TokenType == js.ImportToken {
		r.required(call, at, "import")
		return
	}
	for _, v := range r.of(x, 0) {
		switch {
		case v.name == "require" || v.name == "process.getBuiltinModule":
			if call != nil {
				r.required(call, at, v.name)
			}
		case strings.HasPrefix(v.name, "module:fs") || strings.HasPrefix(v.name, "process.chdir"):
			for _, a := range args.List {
				for _, t := range r.of(a.Value, 0) {
					if t.text != nil {
						if why := sensitivePath(*t.text); why != "" {
							r.add(kindOther, "path", monitor.High, r.where(a.Value), why, *t.text)
						}
					}
				}
			}
		case v.name == "Reflect.get" || v.name == "Object.getOwnPropertyDescriptor":
			r.reflected(args, at)
		}
		if call != nil {
			for _, result := range r.of(call, 0) {
				if result.name != "" && result.name != "require" &&
					!strings.HasPrefix(result.name, "module:") {
					r.value(result, at, "by name")
				}
			}
		}
	}
	for g, ok := x.(*js.GroupExpr); ok; g, ok = x.(*js.GroupExpr) {
		x = g.X
	}
	if d, ok := x.(*js.DotExpr); ok {
		switch literalName(d.Y) { // f.constructor.call(null, "…")
		case "call", "apply", "bind":
			x = d.X
		}
	}
	if d, ok := x.(*js.DotExpr); ok && literalName(d.Y) == "constructor" && !own(d.X, call == nil) {
		r.add(kindAttribute, "constructor", monitor.High, at,
			"a function's constructor makes functions from text", "called")
	}
}

// own: new this.constructor() and new x.constructor() make another one of the snippet's own. Called
// without new, or of something else, a constructor is that of functions.
func own(e js.IExpr, made bool) bool {
	switch e := e.(type) {
	case *js.LiteralExpr:
		return e.TokenType == js.ThisToken || e.TokenType == js.SuperToken
	case *js.Var:
		return made && e.Decl != js.NoDecl
	}
	return false
}

func (r reporter) reflected(args *js.Args, at place) {
	if len(args.List) < 2 {
		return
	}
	for _, k := range r.of(args.List[1].Value, 0) {
		if k.text != nil {
			r.attribute(args.List[0].Value, *k.text, at, "by name")
		}
	}
}

func (r reporter) required(call *js.CallExpr, at place, how string) {
	if len(call.Args.List) == 0 {
		return
	}
	found, grows := false, false
	for _, v := range r.of(call.Args.List[0].Value, 0) {
		if v.text != nil {
			found = true
			r.imported(*v.text, at, "")
		}
		grows = grows || v.name == unknown
	}
	if !found || grows {
		r.add(kindOther, "computed-name", monitor.High, at,
			"a name is computed where only a written one can be judged", how)
	}
}
