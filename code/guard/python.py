# Reads Python source on standard input and prints facts about it, one a line: kind, name, line, column, detail,
# separated by tabs. It parses and never executes; constants are folded by hand, with bounds. Package guard says what
# the facts mean. Without imports: it runs under a filter that allows little, before every snippet.
import _ast, posix, sys

MAX_FACTS, MAX_TEXT, MAX_VALUES = 20000, 1 << 16, 6
SOURCE = b""
BUILTINS = set(dir(__builtins__))
WORDS = {"__builtins__", "__loader__", "__spec__"}
out, lines = [], []


def fact(kind, name, node, detail=""):
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0)
    if 0 < line <= len(lines):
        column = len(lines[line - 1][:column].decode("utf-8", "replace"))
    if len(out) < MAX_FACTS:
        clean = ascii(str(name)[:200])[1:-1].replace("\t", " ")
        entry = "\t".join((kind, clean, str(line), str(column + 1), ascii(str(detail)[:200])[1:-1]))
        if entry not in seen:
            seen.add(entry)
            out.append(entry)
    elif len(out) == MAX_FACTS:
        out.append("overflow\t\t%d\t1\t" % line)


seen = set()


# Values that an expression may have: ("m", dotted) a module or what is in it, ("b", name) a builtin, ("c", constant),
# ("ns", what) a namespace that can be indexed by name, ("own", name) a class or function of the snippet,
# ("x", name) what a dunder attribute of something else gave.
class Scope:
    def __init__(self, parent, names, kind):
        self.parent, self.names, self.values, self.kind = parent, names, {}, kind

    def find(self, name):
        scope = self
        while scope is not None:
            if name in scope.names and not (scope.kind == "class" and scope is not self):
                return scope
            scope = scope.parent
        return None

    def bind(self, name, values):
        scope = self.find(name) or self
        known = scope.values.setdefault(name, [])
        for v in values:
            if v not in known and len(known) < MAX_VALUES:
                known.append(v)


def children(node):
    for field in node._fields:
        value = getattr(node, field, None)
        if isinstance(value, list):
            for item in value:
                if isinstance(item, _ast.AST):
                    yield item
        elif isinstance(value, _ast.AST):
            yield value


FUNCTIONS = (_ast.FunctionDef, _ast.AsyncFunctionDef, _ast.Lambda)
SCOPES = FUNCTIONS + (_ast.ClassDef,)


def bound(body, names=None):
    """The names that statements bind in their own scope."""
    names, outer, todo = set() if names is None else names, set(), list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, _ast.Name) and isinstance(node.ctx, (_ast.Store, _ast.Del)):
            names.add(node.id)
        elif isinstance(node, (_ast.Import, _ast.ImportFrom)):
            names.update((a.asname or a.name.split(".")[0]) for a in node.names)
        elif isinstance(node, (_ast.Global, _ast.Nonlocal)):
            outer.update(node.names)
        elif isinstance(node, _ast.ExceptHandler) and node.name:
            names.add(node.name)
        elif type(node).__name__ in ("MatchAs", "MatchStar") and node.name:
            names.add(node.name)
        if isinstance(node, SCOPES):
            if not isinstance(node, _ast.Lambda):
                names.add(node.name)
            todo += getattr(node, "decorator_list", [])
            continue
        todo += children(node)
    return names - outer


def parameters(args):
    every = list(getattr(args, "posonlyargs", [])) + args.args + args.kwonlyargs
    return {a.arg for a in every + [x for x in (args.vararg, args.kwarg) if x]}


STR = {"join", "replace", "lower", "upper", "strip", "lstrip", "rstrip", "title", "capitalize", "swapcase", "format", "decode", "encode",
       "translate", "split", "casefold", "removeprefix", "removesuffix", "zfill", "hex", "format_map"}


def small(v):
    if isinstance(v, (str, bytes)):
        return len(v) <= MAX_TEXT
    if isinstance(v, (list, tuple)):
        return len(v) <= 4096 and all(small(x) for x in v)
    return isinstance(v, (bool, float, type(None), slice)) or isinstance(v, int) and abs(v) < 1 << 64


def decode(function, data):
    import binascii
    raw = data.encode() if isinstance(data, str) else data
    if function in ("b64decode", "standard_b64decode", "urlsafe_b64decode", "decodebytes"):
        return binascii.a2b_base64(raw.replace(b"-", b"+").replace(b"_", b"/"))
    if function in ("b16decode", "unhexlify", "a2b_hex", "fromhex"):
        return binascii.unhexlify(raw.replace(b" ", b""))
    return binascii.a2b_base64(raw)


def rot13(text):
    low, up = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return text.translate(str.maketrans(low + up, low[13:] + low[:13] + up[13:] + up[:13]))


class Walk:
    def __init__(self):
        self.scope, self.later, self.depth = None, [], 0

    # What an expression may be.
    def values(self, node):
        if node is None:
            return []
        self.depth += 1
        try:
            if self.depth > 200:
                return []
            method = getattr(self, "v_" + type(node).__name__, None)
            return method(node) if method else []
        except (ValueError, TypeError, IndexError, KeyError, AttributeError, LookupError, OverflowError, MemoryError, ZeroDivisionError):
            return []
        finally:
            self.depth -= 1

    def constants(self, node):
        return [v[1] for v in self.values(node) if v[0] == "c"]

    def fold(self, make):
        value = make()
        return [("c", value)] if small(value) else []

    def v_Constant(self, node):
        return [("c", node.value)] if small(node.value) else []

    def v_Name(self, node):
        return self.name(node.id)

    def name(self, name):
        scope = self.scope.find(name)
        if scope is not None:
            return list(scope.values.get(name, []))
        if name == "__builtins__":
            return [("ns", "builtins")]
        return [("b", name)] if name in BUILTINS else []

    def member(self, value, name):
        kind, what = value
        if kind == "m":
            return [("b", name)] if what == "builtins" else [("m", what + "." + name)]
        if value == ("ns", "builtins"):
            return [("b", name)]
        if value == ("ns", "modules"):
            return [("m", name)]
        if value == ("ns", "globals"):
            return self.name(name)
        if kind == "ns" and what.startswith("of "):
            return self.member(("m", what[3:]), name)
        if name == "__dict__" and kind == "own":
            return []
        return []

    def attribute(self, base, name):
        if name.startswith("__") and any(v[0] in "cxb" for v in base) and name not in ("__name__", "__doc__"):
            return [("x", name)] + [r for v in base for r in self.member(v, name)]
        if name == "__dict__":
            return [("ns", "of " + v[1]) for v in base if v[0] == "m"] or [("ns", "dict")]
        if name in ("__builtins__", "f_builtins"):
            return [("ns", "builtins")]
        if name in ("__globals__", "f_globals"):
            return [("ns", "globals")]
        if name == "modules" and ("m", "sys") in base:
            return [("ns", "modules")]
        if name in ("get", "pop", "setdefault", "__getitem__", "__getattribute__"):
            bound = [("item", v[1]) for v in base if v[0] == "ns"]
            if bound:
                return bound
        return [r for v in base for r in self.member(v, name)]

    def v_Attribute(self, node):
        return self.attribute(self.values(node.value), node.attr)

    def v_Subscript(self, node):
        base, key = self.values(node.value), node.slice
        if type(key).__name__ == "Index":
            key = key.value
        if isinstance(key, _ast.Slice):
            parts = [self.constants(p)[0] if p is not None else None for p in (key.lower, key.upper, key.step)]
            return [("c", v[1][slice(*parts)]) for v in base if v[0] == "c"]
        found = []
        for k in self.constants(key):
            for v in base:
                if v[0] == "ns" and isinstance(k, str):
                    found += self.member(v, k)
                elif v[0] == "c":
                    found += self.fold(lambda: v[1][k])
        if isinstance(node.value, (_ast.List, _ast.Tuple)) and not found:
            for item in node.value.elts:
                found += self.values(item)
        if isinstance(node.value, _ast.Dict) and not found:
            for item in node.value.values:
                found += self.values(item)
        return found[:MAX_VALUES]

    def v_List(self, node):
        items = [self.constants(e) for e in node.elts]
        return [("c", [i[0] for i in items])] if all(items) else []

    v_Tuple = v_List

    def v_BinOp(self, node):
        for a in self.constants(node.left)[:1]:
            for b in self.constants(node.right)[:1]:
                if isinstance(node.op, _ast.Add):
                    return self.fold(lambda: a + b)
                if isinstance(node.op, _ast.Sub):
                    return self.fold(lambda: a - b)
                if isinstance(node.op, _ast.BitXor):
                    return self.fold(lambda: a ^ b)
                if isinstance(node.op, _ast.Mod) and (not isinstance(a, str) or len(a) < 200 and "*" not in a and not digits(a)):
                    return self.fold(lambda: a % (tuple(b) if isinstance(b, list) else b))
                if isinstance(node.op, _ast.Mult):
                    sizes = [x if isinstance(x, int) else len(x) for x in (a, b)]
                    return self.fold(lambda: a * b) if sizes[0] * sizes[1] <= MAX_TEXT else []
        return []

    def v_UnaryOp(self, node):
        return [("c", -v) for v in self.constants(node.operand)] if isinstance(node.op, _ast.USub) else []

    def v_JoinedStr(self, node):
        text = ""
        for part in node.values:
            if isinstance(part, _ast.FormattedValue):
                if part.format_spec is not None:
                    return []
                text += str(self.constants(part.value)[0])
            else:
                text += part.value
        return self.fold(lambda: text)

    def v_IfExp(self, node):
        return (self.values(node.body) + self.values(node.orelse))[:MAX_VALUES]

    def v_BoolOp(self, node):
        return [v for e in node.values for v in self.values(e)][:MAX_VALUES]

    def v_NamedExpr(self, node):
        return self.values(node.value)

    def v_Starred(self, node):
        return self.values(node.value)

    def v_GeneratorExp(self, node):
        """chr(c) for c in [...]: the usual way to spell a name in numbers."""
        if len(node.generators) != 1 or node.generators[0].ifs or not isinstance(node.generators[0].target, _ast.Name):
            return []
        source, result = self.constants(node.generators[0].iter)[0], []
        for item in list(source)[:512]:
            inner = Scope(self.scope, {node.generators[0].target.id}, "function")
            inner.values[node.generators[0].target.id] = [("c", item)]
            self.scope, outer = inner, self.scope
            try:
                result.append(self.constants(node.elt)[0])
            finally:
                self.scope = outer
        return self.fold(lambda: result)

    v_ListComp = v_GeneratorExp

    def v_Call(self, node):
        args, found = node.args, []
        if isinstance(node.func, _ast.Attribute) and node.func.attr in STR:
            found += self.method(node)
        for kind, what in self.values(node.func):
            if kind == "b":
                found += self.builtin(what, args)
            elif kind == "item":
                for k in self.constants(args[0] if args else None):
                    found += self.member(("ns", what), k)
            elif kind == "m":
                last = what.rpartition(".")[2]
                if what in ("importlib.import_module", "importlib.__import__"):
                    found += [("m", c) for c in self.constants(args[0]) if isinstance(c, str)]
                elif what.startswith(("base64.", "binascii.")) or what == "codecs.decode" and not rot(self, args):
                    for c in self.constants(args[0]):
                        found += self.fold(lambda: decode(last, c))
                elif what in ("codecs.decode", "codecs.encode"):
                    found += [("c", rot13(c)) for c in self.constants(args[0]) if isinstance(c, str)]
                elif what in ("operator.attrgetter", "operator.itemgetter", "functools.partial"):
                    found += [v for a in args[:1] for v in self.values(a) if v[0] != "c"]
        return found[:MAX_VALUES]

    def method(self, node):
        args = [self.constants(a)[0] for a in node.args]
        named = {k.arg: self.constants(k.value)[0] for k in node.keywords}
        for c in self.constants(node.func.value)[:1]:
            name = node.func.attr
            if not isinstance(c, (str, bytes)) or name in ("format", "format_map") and (digits(c) or len(c) > 200):
                return []
            if name in ("zfill",) and args[0] > 1000 or name == "replace" and len(c) * len(args[1]) > MAX_TEXT:
                return []
            if name in ("decode", "encode") and args and "rot" in str(args[0]):
                return [("c", rot13(c))]
            if name == "join":
                return self.fold(lambda: c.join(args[0]))
            return self.fold(lambda: getattr(c, name)(*args, **named))
        return [("c", decode("fromhex", args[0]))] if node.func.attr == "fromhex" else []

    def builtin(self, name, args):
        if name == "getattr" and len(args) > 1:
            base = self.values(args[0])
            return [r for c in self.constants(args[1]) if isinstance(c, str) for r in self.attribute(base, c)]
        if name == "__import__":
            return [("m", c.split(".")[0]) for c in self.constants(args[0]) if isinstance(c, str)]
        if name in ("globals", "locals"):
            return [("ns", "globals")]
        if name == "vars":
            return [("ns", "of " + v[1]) for a in args for v in self.values(a) if v[0] == "m"] or [("ns", "globals" if not args else "dict")]
        if name == "chr":
            return [("c", chr(c)) for c in self.constants(args[0])]
        if name == "ord":
            return [("c", ord(c)) for c in self.constants(args[0])]
        if name in ("str", "bytes", "bytearray", "list", "tuple", "reversed", "int") and args:
            c = self.constants(args[0])[0]
            if name == "int" and len(args) > 1:
                return self.fold(lambda: int(c, self.constants(args[1])[0])) if len(c) < 40 else []
            if name in ("bytes", "bytearray"):
                return self.fold(lambda: bytes(c)) if isinstance(c, (list, bytes)) else [("c", c.encode())]
            return self.fold(lambda: {"str": str, "list": list, "tuple": list, "int": int, "reversed": lambda x: list(x)[::-1]}[name](c))
        if name == "map" and len(args) == 2:
            of = self.values(args[0])
            if ("b", "chr") in of:
                return self.fold(lambda: [chr(x) for x in self.constants(args[1])[0]])
        return []

    # The walk.
    def run(self, tree):
        self.scope = Scope(None, bound(tree.body), "module")
        self.body(tree.body)
        while self.later:
            scope, node = self.later.pop()
            self.scope = scope
            if isinstance(node, _ast.Lambda):
                self.visit(node.body)
            else:
                self.body(node.body)

    def body(self, statements):
        for i, s in enumerate(statements):
            if i == 0 and isinstance(s, _ast.Expr) and isinstance(s.value, _ast.Constant):
                continue  # a docstring
            self.visit(s)

    def visit(self, node):
        method = getattr(self, "x_" + type(node).__name__, None)
        if method is None or method(node) is not False:
            for child in children(node):
                self.visit(child)

    def x_Import(self, node):
        for a in node.names:
            fact("import", a.name, node, "")
            self.scope.bind(a.asname or a.name.split(".")[0], [("m", a.name if a.asname else a.name.split(".")[0])])

    def x_ImportFrom(self, node):
        module = "." * (node.level or 0) + (node.module or "")
        fact("import", module, node, "")
        for a in node.names:
            full = module + "." + a.name
            if a.name == "*":
                if module == "builtins":
                    continue
                fact("star", module, node, "")
                continue
            if module == "builtins":
                fact("call", a.name, node, "imported from builtins")
                self.scope.bind(a.asname or a.name, [("b", a.name)])
                continue
            fact("ref", full, node, "imported")
            self.scope.bind(a.asname or a.name, [("m", full)])

    def function(self, node):
        for default in node.args.defaults + [d for d in node.args.kw_defaults if d]:
            self.visit(default)
        inner = Scope(self.scope, set(), "function")
        body = [node.body] if isinstance(node, _ast.Lambda) else node.body
        inner.names = bound(body) | parameters(node.args)
        plain = list(getattr(node.args, "posonlyargs", [])) + node.args.args
        for a, default in zip(plain[len(plain) - len(node.args.defaults):], node.args.defaults):
            inner.bind(a.arg, self.values(default))
        for a, default in zip(node.args.kwonlyargs, node.args.kw_defaults):
            inner.bind(a.arg, self.values(default))
        if plain and plain[0].arg in ("self", "cls"):
            inner.bind(plain[0].arg, [("own", plain[0].arg)])
        self.later.append((inner, node))

    def x_FunctionDef(self, node):
        for d in node.decorator_list:
            self.visit(d)
        if node.name in ("__reduce__", "__reduce_ex__", "__getattribute__", "__import__", "__del__"):
            fact("def", node.name, node, "")
        self.scope.bind(node.name, [("own", node.name)])
        self.function(node)
        return False

    x_AsyncFunctionDef = x_FunctionDef

    def x_Lambda(self, node):
        self.function(node)
        return False

    def x_ClassDef(self, node):
        for d in node.decorator_list + node.bases:
            self.visit(d)
        for k in node.keywords:
            self.visit(k.value)
        self.scope.bind(node.name, [("own", node.name)])
        self.scope, outer = Scope(self.scope, bound(node.body), "class"), self.scope
        self.body(node.body)
        self.scope = outer
        return False

    def comprehension(self, node):
        names = set()
        for g in node.generators:
            names |= bound([g.target])
        self.visit(node.generators[0].iter)
        self.scope, outer = Scope(self.scope, names, "function"), self.scope
        for i, g in enumerate(node.generators):
            if i:
                self.visit(g.iter)
            for v in self.values(g.iter):
                pass
            if isinstance(g.iter, (_ast.List, _ast.Tuple)) and isinstance(g.target, _ast.Name):
                self.scope.bind(g.target.id, [v for e in g.iter.elts for v in self.values(e)])
            for test in g.ifs:
                self.visit(test)
        for part in ("key", "value", "elt"):
            if hasattr(node, part):
                self.visit(getattr(node, part))
        self.scope = outer
        return False

    x_ListComp = x_SetComp = x_DictComp = x_GeneratorExp = comprehension

    def assign(self, target, value):
        if isinstance(target, _ast.Name):
            self.scope.bind(target.id, self.values(value))
        elif isinstance(target, (_ast.Tuple, _ast.List)):
            if isinstance(value, (_ast.Tuple, _ast.List)) and len(value.elts) == len(target.elts):
                for t, v in zip(target.elts, value.elts):
                    self.assign(t, v)

    def x_Assign(self, node):
        for t in node.targets:
            self.assign(t, node.value)

    def x_AnnAssign(self, node):
        if node.value is not None:
            self.assign(node.target, node.value)

    def x_AugAssign(self, node):
        if isinstance(node.target, _ast.Name) and isinstance(node.op, _ast.Add):
            for a in [v[1] for v in self.name(node.target.id) if v[0] == "c"]:
                for b in self.constants(node.value):
                    try:
                        self.scope.bind(node.target.id, self.fold(lambda: a + b))
                    except TypeError:
                        pass

    x_NamedExpr = lambda self, node: self.assign(node.target, node.value)

    def x_For(self, node):
        if isinstance(node.iter, (_ast.List, _ast.Tuple)) and isinstance(node.target, _ast.Name):
            self.scope.bind(node.target.id, [v for e in node.iter.elts for v in self.values(e)])

    def report(self, node, values, how=""):
        for kind, what in values:
            if kind == "b":
                fact("call", what, node, how)
            elif kind == "m":
                fact("ref", what, node, how)

    def x_Name(self, node):
        if isinstance(node.ctx, _ast.Load):
            if node.id in WORDS and self.scope.find(node.id) is None:
                fact("attr", node.id, node, "")
            values = self.name(node.id)
            own = self.scope.find(node.id) is not None
            self.report(node, [v for v in values if v[0] == "b" or v[0] == "m" and "." in v[1]], "as " + node.id if own else "")

    def receiver(self, node):
        """own: a class, function or instance of the snippet's, on which introspection is ordinary."""
        if isinstance(node, _ast.Call):
            if isinstance(node.func, _ast.Name) and node.func.id in ("type", "super"):
                return "own" if not node.args or self.receiver(node.args[0]) == "own" else ""
            return "own" if any(v[0] == "own" for v in self.values(node.func)) else ""
        if isinstance(node, _ast.Attribute):
            return "own" if node.attr in ("__class__", "__func__") and self.receiver(node.value) == "own" else ""
        if isinstance(node, _ast.Lambda):
            return "own"
        if isinstance(node, _ast.Name):
            scope = self.scope.find(node.id)
            if scope is not None and not any(v[0] in ("b", "m", "ns", "x") for v in scope.values.get(node.id, [])):
                return "own"
            if node.id == "object":
                return "object"
        return ""

    def x_Attribute(self, node):
        fact("attr", node.attr, node, self.receiver(node.value))
        if node.attr == "replace" and isinstance(node.value, _ast.Attribute) and node.value.attr.endswith(("_code", "__code__")):
            fact("attr", "co_code", node, "replaced")
        base = self.values(node.value)
        self.report(node, self.attribute(base, node.attr))

    def x_Subscript(self, node):
        base = self.values(node.value)
        space = [v[1] for v in base if v[0] == "ns"]
        if space and isinstance(node.ctx, _ast.Load):
            key = node.slice
            keys = self.constants(key.value if type(key).__name__ == "Index" else key)
            if not keys and space[0] in ("builtins", "modules"):
                fact("computed", space[0], node, "an item of " + space[0])
            for k in keys:
                if isinstance(k, str) and k in WORDS:
                    fact("attr", k, node, "by name")
            self.report(node, self.values(node), "by name")

    def x_Call(self, node):
        of = self.values(node.func)
        for kind, what in of:
            if kind == "item":
                keys = self.constants(node.args[0]) if node.args else []
                for k in keys:
                    if isinstance(k, str) and (k in WORDS or k.startswith("__")):
                        fact("attr", k, node, "by name")
                if not keys and what in ("builtins", "modules"):
                    fact("computed", what, node, "an item of " + what)
            if kind == "b" and what in ("getattr", "setattr", "delattr", "hasattr") and len(node.args) > 1:
                self.named(node, what)
            if kind == "b" and what == "open" or kind == "m" and what in ("io.open", "os.open", "pathlib.Path", "codecs.open"):
                for c in self.constants(node.args[0] if node.args else None):
                    if isinstance(c, str):
                        fact("path", c, node, "")
            if kind == "b" and what in ("__import__",) or kind == "m" and what in ("importlib.import_module", "importlib.__import__"):
                names = self.constants(node.args[0] if node.args else None)
                for c in names:
                    fact("import", c, node, "by name")
                if not names:
                    fact("computed", "import", node, "a module")
            if kind == "m" and what in ("operator.attrgetter", "operator.methodcaller"):
                for a in node.args:
                    for c in self.constants(a):
                        for part in str(c).split("."):
                            fact("attr", part, node, "by name")
        self.report(node, [v for v in self.values(node) if v[0] in "bm"], "by name")
        if isinstance(node.func, _ast.Attribute) and node.func.attr == "__getattribute__" and node.args:
            for c in self.constants(node.args[-1]):
                fact("attr", c, node, "by name")

    def named(self, node, how):
        base, names = self.values(node.args[0]), self.constants(node.args[1])
        for c in names:
            if isinstance(c, str):
                fact("attr", c, node, self.receiver(node.args[0]) or "by name" if how != "hasattr" else "own")
        if not names and how == "getattr":
            what = "object"
            if any(v[0] in ("m", "ns") for v in base):
                what = "module"
            elif decoded(node.args[1]):
                what = "decoded"
            fact("computed", what, node, "an attribute")

    def x_Constant(self, node):
        if isinstance(node.value, str) and "__" in node.value:
            fact("string", node.value, node, "")


def decoded(node):
    todo = [node]
    while todo:
        n = todo.pop()
        if isinstance(n, _ast.Call):
            f = n.func
            name = f.id if isinstance(f, _ast.Name) else f.attr if isinstance(f, _ast.Attribute) else ""
            if name in ("chr", "decode", "b64decode", "unhexlify", "fromhex", "join", "reversed", "translate"):
                return True
        if isinstance(n, _ast.Slice) and n.step is not None:
            return True
        todo += children(n)
    return False


def digits(text):
    """A width in a format could ask for gigabytes."""
    run = 0
    for c in text if isinstance(text, str) else text.decode("latin-1"):
        run = run + 1 if c.isdigit() else 0
        if run > 3:
            return True
    return False


def rot(walk, args):
    return any("rot" in str(c) for a in args[1:] for c in walk.constants(a))


def cookie():
    for line in SOURCE.split(b"\n")[:2]:
        if line.lstrip().startswith(b"#") and b"coding" in line:
            name = line.split(b"coding", 1)[1].lstrip(b":= \t").split()
            name = name[0].strip(b"-*;,").lower().replace(b"_", b"-") if name else b""
            if name not in (b"utf-8", b"utf8", b"latin-1", b"iso-8859-1", b"ascii", b"us-ascii", b""):
                fact("encoding", name.decode("latin-1"), None, "")


SAMPLE = b"""import os as o
class A(object):
    def f(self, *a): return [getattr(self, 'x' + str(i)) for i in a if i] or {'k': f"{a!r:>5}"}
with open('x') as f: o.path.join('a', f.read()).__class__
try: eval(''.join(['a', chr(98)]))
except (KeyError, ValueError) as e: print("{0.a}".format(e), "%s" % e)
"""


def look():
    global lines
    lines = []
    cookie()
    try:
        tree = compile(SOURCE, "main.py", "exec", 0x400, True)  # PyCF_ONLY_AST
        compile(SOURCE, "main.py", "exec", 0, True)  # what only the compiler's later steps refuse
        lines = SOURCE.split(b"\n")
        Walk().run(tree)
    except SyntaxError as e:
        where = _ast.Name()
        where.lineno, where.col_offset = e.lineno or 1, max((e.offset or 1) - 1, 0)
        fact("syntax", e.msg, where, "")
    except (RecursionError, MemoryError, ValueError, OverflowError) as e:
        fact("complex", type(e).__name__ + ": " + str(e)[:100], None, "")


def main():
    global SOURCE
    if len(sys.argv) > 1:
        # It is started ahead. What is done for the first time costs page faults: now, not in the call.
        SOURCE = SAMPLE
        look()
        out.clear()
        seen.clear()
        sys.stdout.write("\0")
        sys.stdout.flush()
    SOURCE = sys.stdin.buffer.read()
    look()
    sys.stdout.write("\n".join(out) + "\nend\t%d\n" % len(out))
    sys.stdout.flush()
    posix._exit(0)  # the end of an interpreter takes as long as the look


main()
