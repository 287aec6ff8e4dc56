"""Random well-typed programs of the language core, with input for them.

Only names with a type stand where the language wants a type that it cannot see (`{ a: [] }`, f"{none}"),
so every program must compile; whatever can fail is either given a default or stands in a stage with `else`.
"""

import base64
import json

DECIMAL = ("decimal", "2")
SCALARS = ("int", "float", "bool", "string", "bytes", "duration", "timestamp", DECIMAL, "json")
KIND, SHAPE, INNER = ("enum", "Kind"), ("enum", "Shape"), ("record", "Inner")
ORDERED = ("int", "float", "string", "duration", "timestamp", DECIMAL)
KEYS = ("int", "string", "bool", "bytes", KIND, DECIMAL)

DECLARATIONS = """enum Kind { red, green from "GREEN!", deep_blue }
enum Shape {
  circle(r: float)
  box(w: int, name: string?, tags: list[string])
  nothing
}
record Inner { n: int = 3, s: string = "a default that is long", o: int? = none, xs: list[string] = [] }
const LIMIT = 7
const PRICE: decimal[2] = 2 * 1.25
const LOSS: decimal[2] = -7
const NOTE: json = "a note that is long"
const NAMES: list[string] = ["short", "a name that is rather long"]
param par: int = 2
param label: string = "some label of the run"
fn parsed(s: string) -> int = parse_int(s)
fn same(xs: list[string]) -> list[string] = xs
fn halved(n: int) -> int {
  if n % 2 != 0 { fail f"{n} is odd, which is a long reason" }
  return n / 2
}
fn doubled(xs: list[string]) -> list[string] {
  let all = xs
  for x in xs { all.push(x ++ x) }
  if len(all) > 6 { return slice(all, 0, 6) }
  return all
}
fn longest(xs: list[string]) -> string? {
  let best: string? = none
  for x in xs {
    if len(x) > len(best ?? "") { best = x }
  }
  return best
}
"""

INNER_FIELDS = (("n", "int"), ("s", "string"), ("o", ("opt", "int")), ("xs", ("list", "string")))
BOX_FIELDS = (("w", "int"), ("name", ("opt", "string")), ("tags", ("list", "string")))


def show(t):
    """The type as the language writes it."""
    if isinstance(t, str):
        return t
    if t[0] == "opt":
        return show(t[1]) + "?"
    if t[0] in ("enum", "record"):
        return t[1]
    return f"{t[0]}[{', '.join(show(part) for part in t[1:])}]"


def cut(text):
    return f"slice({text}, 0, 60)"


def has_zero(t):
    """Whether `m[k]` of this type may be changed in place though it is missing."""
    return isinstance(t, tuple) and t[0] in ("list", "set", "map")


class Name:
    """Something that an expression may mention, or a place that a statement may change."""

    def __init__(self, text, type, is_place=False, root=None):
        self.text, self.type, self.is_place, self.root = text, type, is_place, root or text


class Program:
    def __init__(self, rng):
        self.rng, self.count = rng, 0
        self.has_epochs = self.has_end = False
        self.names, self.locked, self.can_fail = [], [], False
        self.emits = None
        item = [(f"f{i}", self.some_type(2, i < 3)) for i in range(rng.randrange(4, 8))]
        self.item = [("id", "int"), ("user", "string")] + item
        self.tag = rng.choice([None, "t", "what is it"])
        declarations = DECLARATIONS
        if self.tag:
            declarations = declarations.replace("enum Shape {", f'enum Shape tagged "{self.tag}" {{')
        self.text = declarations + "record Item { " + ", ".join(
            f"{n}: {show(t)}" + (" = []" if has_zero(t) and rng.random() < 0.5 else "")
            for n, t in self.item) + " }\n"
        self.sinks, self.unordered = ["stdout"], set()
        self.sources = ["items", "more"] if self.chance(0.5) else ["items"]
        self.has_bad_records = self.chance(0.3)
        body = self.pipelines()
        for name in self.sinks[1:]:
            if self.chance(0.15):
                self.unordered.add(name)
            self.text += f'sink {name} = file("{name}.jsonl", jsonl){" unordered" * (name in self.unordered)}\n'
        for name in self.sources:
            other = rng.choice(["", " else skip", " else into rejected"]) if self.has_bad_records else ""
            self.text += f'source {name}: Item = file("{name}.jsonl", jsonl){other}\n'
        self.text += body
        if "into rejected" in self.text:
            self.text += f"rejected |> map {{ step, reason, raw }} |> into {rng.choice(self.sinks)}\n"

    # -- types and names ------------------------------------------------------------------------

    def some_type(self, depth, is_simple=False):
        rng = self.rng
        way = rng.randrange(5 if is_simple or not depth else 14)
        if way < 5:
            return rng.choice(SCALARS + ("string", "int", KIND))
        if way < 7:
            inner = self.some_type(depth - 1)
            return inner if inner[0] == "opt" else ("opt", inner)
        if way < 9:
            return ("list", self.some_type(depth - 1))
        if way < 10:
            return ("set", rng.choice(KEYS))
        if way < 12:
            return ("map", rng.choice(KEYS), self.some_type(depth - 1))
        return rng.choice([INNER, SHAPE, ("list", "string"), "string"])

    def fresh(self, prefix="v"):
        self.count += 1
        return f"{prefix}{self.count}"

    def chance(self, probability):
        return self.rng.random() < probability

    def with_type(self, t):
        return [n for n in self.names if n.type == t]

    def places(self, accept):
        return [n for n in self.names if n.is_place and accept(n.type) and n.root not in self.locked]

    # -- expressions ----------------------------------------------------------------------------

    def expr(self, t, depth=3):
        """The text of an expression of the type; one that can fail only where that is handled."""
        rng = self.rng
        known = self.with_type(t)
        if depth <= 0 or self.chance(0.3):
            return rng.choice(known).text if known and self.chance(0.85) else self.literal(t, 1)
        ways = [self.choice, self.choice]
        maker = getattr(self, "make_" + (t if isinstance(t, str) else t[0]))
        ways += [maker] * 4
        containers = [n for n in self.names if n.type in (("opt", t), ("list", t)) or
                      n.type[0] == "map" and n.type[2] == t]
        if containers and t[0] != "opt":
            ways += [lambda t, d: self.element(rng.choice(containers), t, d)] * 2
        return rng.choice(ways)(t, depth - 1)

    def element(self, name, t, depth):
        if name.type[0] == "opt":
            value = name.text
        elif name.type[0] == "list":
            way = self.rng.randrange(3)
            value = f"{name.text}[{self.small(depth)}]" if way == 0 else f"{('first', 'last')[way - 1]}({name.text})"
            if name.is_place and name.root not in self.locked and self.chance(0.3):
                value = f"{name.text}.{self.rng.choice(['pop()', 'pop_first()', 'remove_at(0)'])}"
        else:
            value = f"{name.text}[{self.expr(name.type[1], depth)}]"
        return f"({value} ?? {self.literal(t, 1) if depth < 1 else self.expr(t, depth - 1)})"

    def choice(self, t, depth):
        way = self.rng.randrange(4)
        if way == 0:
            return f"(if {self.expr('bool', depth)} then {self.expr(t, depth)} else {self.expr(t, depth)})"
        if way == 1:
            inner = self.some_type(1, True)
            name = self.fresh()
            subject = self.expr(("opt", inner), depth)
            if subject == "none":
                return self.literal(t, 1)
            if not self.with_type(("opt", inner)):
                return self.expr(t, depth)
            subject = self.rng.choice(self.with_type(("opt", inner))).text
            self.names.append(Name(name, inner))
            then = self.expr(t, depth)
            self.names.pop()
            if self.chance(0.5):
                return f"(if let {name} = {subject} then {then} else {self.expr(t, depth)})"
            return f"(match {subject} {{ none => {self.expr(t, depth)}, some {name} => {then} }})"
        if way == 2:
            return (f"(match {self.expr('int', depth)} {{ 0 or -1 => {self.expr(t, depth)}, "
                    f"1..{self.rng.randrange(1, 20)} => {self.expr(t, depth)}, else => {self.expr(t, depth)} }})")
        shapes = self.with_type(SHAPE)
        if not shapes:
            return self.expr(t, depth)
        box, circle = self.fresh(), self.fresh()
        self.names.append(Name(circle + ".r", "float"))
        one = self.expr(t, depth)
        self.names.pop()
        mark = len(self.names)
        self.names += [Name(f"{box}.{n}", f) for n, f in BOX_FIELDS]
        two = self.expr(t, depth)
        del self.names[mark:]
        return (f"(match {self.rng.choice(shapes).text} {{ circle {circle} => {one}, box {box} => {two}, "
                f"nothing => {self.expr(t, depth)} }})")

    def small(self, depth):
        return self.rng.choice(["0", "1", "2", "-1"]) if depth < 1 or self.chance(0.6) else self.expr("int", depth - 1)

    def function(self, elem, result, depth):
        """A function as an argument: it sees all names that are visible, and changes nothing."""
        name, locked = self.fresh("x"), self.locked
        self.locked = [n.root for n in self.names]
        self.names.append(Name(name, elem))
        if elem == INNER:
            self.names += [Name(f"{name}.{n}", f) for n, f in INNER_FIELDS]
        mark = len(self.names) - (len(INNER_FIELDS) if elem == INNER else 0) - 1
        body = self.expr(result, depth)
        del self.names[mark:]
        self.locked = locked
        return f"{name} => {body}"

    def some_list(self):
        lists = [n for n in self.names if isinstance(n.type, tuple) and n.type[0] == "list"]
        return self.rng.choice(lists) if lists else None

    def handled(self, value, t, around="({})"):
        """A value that can fail, with a default where nothing else handles it."""
        if self.can_fail and self.chance(0.5):
            return around.format(value)
        return around.format(f"{value} ?? {self.literal(t, 1)}")

    def make_int(self, t, d):
        e, rng = self.expr, self.rng
        lists = [n.text for n in self.names if n.type[0] in ("list", "set", "map") and isinstance(n.type, tuple)]
        ways = [lambda: f"({e('int', d)} {rng.choice('+-*')} {e('int', 0)})",
                lambda: self.handled(f"{e('int', d)} {rng.choice('/%')} {e('int', d)}", "int"),
                lambda: f"({e('int', d)} {rng.choice('/%')} {rng.choice([1, 2, 7, 10])})",
                lambda: f"len({e('string', d)})", lambda: f"byte_len({e('string', d)})",
                lambda: self.handled(f"parsed({e('string', d)})", "int"),
                lambda: self.handled(f"halved({e('int', d)})", "int"),
                lambda: f"min({e('int', d)}, {e('int', d)}, LIMIT)", lambda: f"max({e('int', d)}, par)",
                lambda: f"abs({e('int', d)})", lambda: f"add_wrap({e('int', d)}, {e('int', d)})",
                lambda: f"add_sat({e('int', d)}, {e('int', d)})",
                lambda: self.handled(f"mod({e('int', d)}, {e('int', d)})", "int"),
                lambda: f"({e('duration', d)} / 1h)", lambda: f"-{e('int', 0)}" if d < 0 else f"(-{e('int', d)})",
                lambda: self.handled(f"int({e('float', d)})", "int"),
                lambda: f"sum({rng.choice(self.with_type(('list', 'int'))).text})" if self.with_type(("list", "int")) else "par"]
        if lists:
            ways += [lambda: f"len({rng.choice(lists)})"] * 3
        some = self.some_list()
        if some:
            ways += [lambda: f"{some.text}.count_if({self.function(some.type[1], 'bool', d)})",
                     lambda: f"fold({some.text}, {e('int', 0)}, (a_{some.text.replace('.', '_')}, b_{some.text.replace('.', '_')}) => "
                             f"add_sat(a_{some.text.replace('.', '_')}, LIMIT))"]
        return rng.choice(ways)()

    def make_float(self, t, d):
        e, rng = self.expr, self.rng
        return rng.choice([
            lambda: f"({e('float', d)} {rng.choice('+-*')} {e('float', 0)})",
            lambda: self.handled(f"{e('float', d)} / {e('float', d)}", "float"),
            lambda: f"({e('float', d)} / {rng.choice(['2.0', '0.25'])})",
            lambda: f"{rng.choice(['floor', 'ceil', 'round', 'abs'])}({e('float', d)})",
            lambda: self.handled(f"sqrt({e('float', d)})", "float"), lambda: f"float({e('int', d)})",
            lambda: self.handled(f"parse_float({e('string', d)})", "float"),
            lambda: f"(avg([{e('float', d)}, {e('float', 0)}]) ?? 0.5)"])()

    def make_decimal(self, t, d):
        e, rng = self.expr, self.rng
        return rng.choice([
            lambda: f"({e(t, d)} {rng.choice('+-')} {e(t, 0)})", lambda: f"({e(t, d)} * {e('int', 0)})",
            lambda: self.handled(f"{e(t, d)} / {e(rng.choice(['int', t]), d)}", t),
            lambda: f"({e(t, d)} / {rng.choice(['3', '0.07', '-1'])})", lambda: f"round({e(t, d)} * {e(t, 0)}, 2)",
            lambda: f"round({e(t, d)} * 0.19, 2)", lambda: f"abs({e(t, d)})", lambda: f"(-{e(t, d)})",
            lambda: f"decimal({e('int', d)}, 2)", lambda: self.handled(f"decimal({e('float', d)}, 2)", t),
            lambda: self.handled(f"parse_decimal({e('string', d)}, 2)", t),
            lambda: f"(avg([{e(t, d)}, PRICE, {e(t, 0)}]) ?? 0.5)", lambda: f"max({e(t, d)}, PRICE, 0.25)"])()

    def make_json(self, t, d):
        e, rng = self.expr, self.rng
        known = [n.text for n in self.names if n.type == "json"]
        part = f"{rng.choice(known or ['NOTE'])}{rng.choice(['.a', '.a.b', '[0]', '[1].a', '.s'])}"
        return rng.choice([
            lambda: f"json({e(rng.choice(['int', 'string', DECIMAL]), d)})", lambda: f"({part} ?? NOTE)",
            lambda: f"json({{ a: {e('int', d)}, s: {e('string', 0)} }})",
            lambda: self.handled(f"int({part})", "int", "json({})"), lambda: self.handled(f"string({part})", "string", "json({})")])()

    def make_bool(self, t, d):
        e, rng = self.expr, self.rng
        ordered = rng.choice(["int", "float", "string", "bytes", "duration", "timestamp", DECIMAL])
        same = [n for n in self.names if n.type != "bool"]
        ways = [lambda: f"({e('bool', d)} {rng.choice(['and', 'or'])} {e('bool', d)})", lambda: f"(not {e('bool', d)})",
                lambda: f"({e(ordered, d)} {rng.choice(['<', '<=', '>', '>=', '==', '!='])} {e(ordered, d)})",
                lambda: f"{rng.choice(['starts_with', 'ends_with', 'contains'])}({e('string', d)}, {e('string', d)})",
                lambda: f"is_empty({e('string', d)})", lambda: f"({e('string', d)} in NAMES)"]
        some = self.some_list()
        if some:
            ways += [lambda: f"{some.text}.{rng.choice(['any', 'all'])}({self.function(some.type[1], 'bool', d)})"] * 2
        if same:
            name = rng.choice(same)
            ways += [lambda: f"({name.text} {rng.choice(['==', '!='])} {e(name.type, d)})"] * 2
            if name.type[0] == "opt":
                ways += [lambda: f"({name.text} {rng.choice(['==', '!='])} none)"] * 3
            if name.type[0] in ("list", "set", "map"):
                ways += [lambda: f"({e(name.type[1], d)} {rng.choice(['in', 'not in'])} {name.text})"] * 3
        return rng.choice(ways)()

    def make_string(self, t, d):
        """What can be longer than its parts is cut, since a state that doubles with each item ends no run."""
        e, rng = self.expr, self.rng
        return rng.choice([
            lambda: cut(f"{e('string', d)} ++ {e('string', d)}"), lambda: f"slice({e('string', d)}, {self.small(d)}, {e('int', d)})",
            lambda: f"{rng.choice(['upper', 'lower', 'trim'])}({e('string', d)})",
            lambda: cut(f"replace({e('string', d)}, {e('string', 0)}, {e('string', 0)})"),
            lambda: cut(f"join({e(('list', 'string'), d)}, {e('string', 0)})"), lambda: f"string({e('int', d)})",
            lambda: cut(f"{rng.choice(['hex', 'base64'])}({e('bytes', d)})"),
            lambda: self.handled(f"string({e('bytes', d)})", "string"),
            lambda: f"(longest({e(('list', 'string'), d)}) ?? {e('string', d)})"] + [lambda: cut(self.fstring())] * 2)()

    def make_bytes(self, t, d):
        e, rng = self.expr, self.rng
        return rng.choice([
            lambda: f"bytes({e('string', d)})", lambda: f"slice({e(t, d)} ++ {e(t, d)}, 0, 40)",
            lambda: f"slice({e(t, d)}, {self.small(d)}, {e('int', d)})",
            lambda: self.handled(f"{rng.choice(['parse_hex', 'parse_base64'])}({e('string', d)})", t),
            lambda: self.handled(f"parse_hex(hex({e(t, d)}))", t)])()

    def fstring(self):
        parts = []
        for _ in range(self.rng.randrange(1, 4)):
            parts.append(self.rng.choice(["", " ", "{{x}}", "text "]))
            if self.names and self.chance(0.8):
                parts.append("{" + self.rng.choice(self.names).text + "}")
        return 'f"' + "".join(parts) + '"'

    def make_duration(self, t, d):
        e, rng = self.expr, self.rng
        return rng.choice([lambda: f"({e('duration', d)} {rng.choice('+-')} {e('duration', 0)})",
                           lambda: f"({e('timestamp', d)} - {e('timestamp', 0)})",
                           lambda: f"({e('duration', d)} / 3)", lambda: f"({e('duration', 0)} * 2)"])()

    def make_timestamp(self, t, d):
        return f"({self.expr('timestamp', d)} {self.rng.choice('+-')} {self.expr('duration', 0)})"

    def make_enum(self, t, d):
        if t == KIND:
            return self.literal(t, 1)
        return self.rng.choice([
            f"Shape.circle(r: {self.expr('float', d)})", "Shape.nothing",
            f"Shape.box(w: {self.expr('int', d)}, name: {self.expr(('opt', 'string'), d)}, "
            f"tags: {self.expr(('list', 'string'), d)})"])

    def make_record(self, t, d):
        given = [(n, f) for n, f in INNER_FIELDS if self.chance(0.6)]
        return "Inner(" + ", ".join(f"{n}: {self.expr(f, d)}" for n, f in given) + ")"

    def make_opt(self, t, d):
        sources = [n for n in self.names if n.type == ("list", t[1]) or n.type[0] == "map" and n.type[2] == t[1]]
        if sources and self.chance(0.5):
            name = self.rng.choice(sources)
            key = self.small(d) if name.type[0] == "list" else self.expr(name.type[1], d)
            return f"{name.text}[{key}]"
        return self.expr(t[1], d) if self.chance(0.7) else "none"

    def make_list(self, t, d):
        rng = self.rng
        known = self.with_type(t)
        some = self.some_list()
        if some and self.chance(0.3):
            return f"{some.text}.map({self.function(some.type[1], t[1], d)})"
        if known and self.chance(0.6):
            name = rng.choice(known).text
            if self.chance(0.4):
                kind = rng.choice(("int", "string", "float", DECIMAL))
                return rng.choice([lambda: f"{name}.filter({self.function(t[1], 'bool', d)})",
                                   lambda: f"{name}.sort_by({self.function(t[1], kind, d)})",
                                   lambda: f"{name}.all_max_by({self.function(t[1], kind, d)})"])()
            ways = [f"reverse({name})", f"slice({name}, {self.small(d)}, {self.small(d)})", f"slice({name} ++ {self.expr(t, d)}, 0, 6)"]
            if t[1] in ("int", "string", "bytes", "float", "duration", "timestamp", DECIMAL):
                ways.append(f"sort({name})")
            if t[1] == "string":
                ways += [f"same({name})", f"doubled({name})"]
            return rng.choice(ways)
        if t[1] == "string" and self.chance(0.4):
            return rng.choice([f"words({self.expr('string', d)})", f"split({self.expr('string', d)}, \" \")", "NAMES"])
        if t[1] == "int" and self.chance(0.3):
            return f"range({self.small(0)}, {rng.randrange(6)})"
        tables = [n for n in self.names if n.type[0] == "map" and t[1] in n.type[1:]]
        if tables and self.chance(0.5):
            name = rng.choice(tables)
            return f"{'keys' if name.type[1] == t[1] else 'values'}({name.text})"
        return "[" + ", ".join(self.expr(t[1], d) for _ in range(rng.randrange(3))) + "]"

    def make_set(self, t, d):
        return "[" + ", ".join(self.expr(t[1], d) for _ in range(self.rng.randrange(3))) + "]"

    def make_map(self, t, d):
        return "[" + ", ".join(f"{self.expr(t[1], d)}: {self.expr(t[2], d)}" for _ in range(self.rng.randrange(3))) + "]"

    def literal(self, t, depth):
        rng = self.rng
        if t == "int":
            return str(rng.choice([0, 1, 2, 3, 5, 12, 100]))
        if t == "float":
            return rng.choice(["0.0", "1.5", "0.25", "100.0", "1e10"])
        if t == "bool":
            return rng.choice(["true", "false"])
        if t == "string":
            return rng.choice(['""', '"a"', '"b c"', '"ünï"', '"twelve bytes"', '"a long string with \\"quotes\\""'])
        if t == "bytes":
            return rng.choice(['bytes("")', 'bytes("ünï")', 'parse_hex("00ff7f80")', 'parse_base64("AAECAwQFBgcICQoLDA0ODw==")'])
        if t == "duration":
            return rng.choice(["0s", "1h30m", "250ms", "1d"])
        if t == "timestamp":
            return rng.choice(["@2024-01-01T00:00:00Z", "@1969-12-31T23:59:59.5Z", "@2000-02-29"])
        if t == DECIMAL:
            return rng.choice(["PRICE", "LOSS"])
        if t == "json":
            return "NOTE"
        if t == KIND:
            return rng.choice(["Kind.red", "Kind.green", "Kind.deep_blue"])
        if t == SHAPE:
            return rng.choice(["Shape.nothing", "Shape.circle(r: 1.5)", 'Shape.box(w: 1, name: none, tags: ["t"])'])
        if t[0] == "record":
            return rng.choice(["Inner()", 'Inner(n: 1, xs: ["x", "a value that is long"])'])
        if t[0] == "opt":
            return self.literal(t[1], depth) if self.chance(0.5) else "none"
        if depth < 1 or self.chance(0.4):
            return "[]"
        if t[0] == "map":
            return f"[{self.literal(t[1], depth - 1)}: {self.literal(t[2], depth - 1)}]"
        return f"[{self.literal(t[1], depth - 1)}]"

    # -- statements -----------------------------------------------------------------------------

    def block(self, size, depth, indent):
        mark, out = len(self.names), []
        for _ in range(size):
            out.append(self.statement(depth, indent))
        del self.names[mark:]
        return "".join(out)

    def statement(self, depth, indent):
        ways = [self.let, self.assign, self.assign, self.mutate, self.mutate, self.mutate, self.send]
        if depth > 0:
            ways += [self.branch, self.branch, self.loop, self.loop, self.choose]
        if self.can_fail and self.chance(0.15):
            return f'{indent}if {self.expr("bool", 2)} {{ fail {self.expr("string", 1)} }}\n'
        return self.rng.choice(ways)(depth, indent)

    def let(self, depth, indent):
        t, name = self.some_type(2), self.fresh()
        text = f"{indent}let {name}: {show(t)} = {self.expr(t)}\n"
        self.add_place(name, t, name)
        return text

    def add_place(self, text, t, root):
        self.names.append(Name(text, t, True, root))
        if t == INNER:
            self.names += [Name(f"{text}.{n}", f, True, root) for n, f in INNER_FIELDS]

    def assign(self, depth, indent):
        places = self.places(lambda t: True)
        if not places:
            return self.send(depth, indent)
        place = self.rng.choice(places)
        t, text = place.type, place.text
        if t in ("int", "float") and self.chance(0.6):
            return f"{indent}{text} {self.rng.choice(['+=', '-=', '*='])} {self.expr(t, 1)}\n"
        if t == DECIMAL and self.chance(0.6):
            return f"{indent}{text} {self.rng.choice(['+= 0.5', '-= 1', '*= 2', '/= 1.25', '+= ' + self.expr(t, 1)])}\n"
        if (t == "string" or t[0] == "list") and self.chance(0.4):
            return f"{indent}{text} ++= {self.expr(t, 2)}\n{indent}{text} = slice({text}, 0, 50)\n"
        if t[0] == "map" and self.chance(0.7):
            op, value = "=", self.expr(t[2], 2)
            if t[2] in ("int", "float") and self.chance(0.5):
                op, value = "+=", self.expr(t[2], 1)
            return f"{indent}{text}[{self.expr(t[1], 2)}] {op} {value}\n"
        if t[0] == "list" and self.can_fail and self.chance(0.3):
            return f"{indent}{text}[{self.small(1)}] = {self.expr(t[1], 2)}\n"
        return f"{indent}{text} = {self.expr(t)}\n"

    def mutate(self, depth, indent):
        places = self.places(has_zero)
        if not places:
            return self.let(depth, indent)
        place = self.rng.choice(places)
        t, text = place.type, place.text
        while t[0] == "map" and has_zero(t[2]) and self.chance(0.7):
            text, t = f"{text}[{self.expr(t[1], 1)}]", t[2]
        if t[0] == "list":
            ways = [f"push({self.expr(t[1], 2)})"] * 3 + ["pop()", "pop_first()", f"remove({self.expr(t[1], 1)})",
                    f"remove_at({self.small(0)})", "clear()"]
            if self.can_fail:
                ways.append(f"insert({self.rng.choice(['0', '1', '2', 'par'])}, {self.expr(t[1], 2)})")
        elif t[0] == "set":
            ways = [f"add({self.expr(t[1], 2)})"] * 3 + [f"delete({self.expr(t[1], 1)})", "clear()"]
        else:
            ways = [f"put({self.expr(t[1], 2)}, {self.expr(t[2], 2)})"] * 3 + [f"delete({self.expr(t[1], 1)})", "clear()"]
        return f"{indent}{text}.{self.rng.choice(ways)}\n"

    def send(self, depth, indent):
        if self.emits is None:
            return ""
        target = self.rng.choice(self.emits)
        into = "" if target == "out" else f" into {target}"
        return f"{indent}emit {self.row()}{into}\n"

    def row(self):
        return f"Out(id: {self.expr('int', 2)}, user: {self.expr('string', 2)}, what: {self.expr('string', 3)}, " \
               f"all: {self.expr(('list', 'string'), 2)})"

    def branch(self, depth, indent):
        inner = indent + "  "
        optional = [n for n in self.names if n.type[0] == "opt"]
        if optional and self.chance(0.5):
            subject, name = self.rng.choice(optional), self.fresh()
            text = f"{indent}if let {name} = {subject.text} {{\n"
            self.add_place(name, subject.type[1], name)
            mark = len(self.names) - (1 + (len(INNER_FIELDS) if subject.type[1] == INNER else 0))
            text += self.block(2, depth - 1, inner)
            del self.names[mark:]
        else:
            text = f"{indent}if {self.expr('bool')} {{\n" + self.block(2, depth - 1, inner)
        if self.chance(0.4):
            text += f"{indent}}} else {{\n" + self.block(1, depth - 1, inner)
        return text + f"{indent}}}\n"

    def choose(self, depth, indent):
        shapes, inner = self.with_type(SHAPE), indent + "    "
        if shapes and self.chance(0.5):
            name = self.fresh()
            text = f"{indent}match {self.rng.choice(shapes).text} {{\n{indent}  box {name} => {{\n"
            mark = len(self.names)
            self.names += [Name(f"{name}.{n}", f, True, name) for n, f in BOX_FIELDS]
            text += self.block(2, depth - 1, inner)
            del self.names[mark:]
        else:
            text = f'{indent}match {self.expr("string", 2)} {{\n{indent}  "a" or "b c" => {{\n'
            text += self.block(1, depth - 1, inner)
        return text + f"{indent}  }}\n{indent}  else => {{\n" + self.block(1, depth - 1, inner) + f"{indent}  }}\n{indent}}}\n"

    def loop(self, depth, indent):
        t = self.some_type(1)
        known = [n for n in self.names if n.type[0] in ("list", "set", "map")]
        lock, text = None, f"slice({self.expr(('list', t), 2)}, 0, 4)"
        if self.rng.random() < 0.6 and known:
            name = self.rng.choice(known)
            t, lock, text = name.type, name.root, name.text
        else:
            t = ("list", t)
            if text.startswith("slice([],") or text.startswith("slice([none"):
                return self.let(depth, indent)
            holder = self.fresh()
            text = f"slice({holder}, 0, 4)" if self.chance(0.4) else holder
        before = ""
        if lock is None:
            before = f"{indent}let {holder}: {show(t)} = {self.expr(t, 2)}\n"
            self.names.append(Name(holder, t))
        mark = len(self.names)
        first, second = self.fresh(), self.fresh()
        self.add_place(first, t[1], first)
        if t[0] == "map":
            self.add_place(second, t[2], second)
        head = f"{first}, {second}" if t[0] == "map" else first
        if lock is not None:
            self.locked.append(lock)
        body = self.block(2, depth - 1, indent + "  ")
        if lock is not None:
            self.locked.pop()
        del self.names[mark:]
        return f"{before}{indent}for {head} in {text} {{\n{body}{indent}}}\n"

    # -- stages ---------------------------------------------------------------------------------

    def with_item(self, fields, key=None):
        self.names = [Name("LIMIT", "int"), Name("par", "int"), Name("label", "string"), Name("NAMES", ("list", "string"))]
        self.names += [Name(n, t) for n, t in fields]
        self.names += [Name(f"{n}.{m}", f) for n, t in fields if t == INNER for m, f in INNER_FIELDS]
        if key:
            self.names.append(Name("key", key))
        self.emits, self.locked = None, []

    def handler(self):
        """What becomes of items that fail. Overflow is possible everywhere, so most stages say it."""
        if self.chance(0.93):
            self.can_fail = True
            return self.rng.choice([" else skip", " else into rejected"] * 8 + [" else stop"])
        self.can_fail = False
        return ""

    def state(self, fields, key_type, stage_emits):
        name = self.fresh("state")
        state = [(self.fresh("s"), self.some_type(3)) for _ in range(self.rng.randrange(2, 6))]
        self.text += f"record {name.title()} {{ " + ", ".join(f"{n}: {show(t)} = {self.literal(t, 2)}" for n, t in state) + " }\n"
        other = self.handler()
        self.with_item(fields, key_type)
        for n, t in state:
            self.add_place(f"{name}.{n}", t, f"{name}.{n}")
        self.emits = stage_emits
        body = self.block(self.rng.randrange(3, 8), 2, "       ")
        if self.chance(0.2):
            body += f'       if {self.expr("bool", 2)} {{ forget }}\n'
        body += f"       emit {self.row()}\n"
        text = f"  |> state {name}: {name.title()} {{\n{body}     }}\n"
        keep = self.can_fail
        self.can_fail = False
        for hook in ("epoch", "end"):
            if self.chance(0.15):
                if hook == "epoch":
                    self.has_epochs = True
                else:
                    self.has_end = True
                self.names = [n for n in self.names if n.is_place or n.text in ("key", "LIMIT", "label")]
                text += f"     on {hook} {{\n{self.block(3, 1, '       ')}     }}\n"
        self.can_fail = keep
        return text + (f"    {other}\n" if other else "")

    def aggregate(self, fields, key_type):
        """One row of many items, of all or of so many, in place of a state."""
        name, other = self.fresh("aggregate"), self.handler()
        self.with_item(fields, key_type)
        window, emit = self.rng.choice(["", f"  |> window count {self.rng.randrange(1, 6)}\n"]), ""
        if not window:
            emit = self.rng.choice(["", "", " emit final", " emit on epoch"])
        self.has_end = self.has_end or bool(window) or emit == " emit final"
        self.has_epochs = self.has_epochs or emit == " emit on epoch"
        texts = " ".join(f"{{{self.aggregated()}}}" for _ in range(self.rng.randrange(1, 6)))
        return (f'{window}  |> aggregate Out(id: {self.counted()}, user: f"{{{self.counted()}}}", what: slice(f"{texts}", 0, 200),\n'
                f"       all: slice({self.many('string')}, 0, 9)){emit} named {name}{other}\n")

    def where(self, call):
        return f"({call} where {self.expr('bool', 1)})" if self.chance(0.3) else call

    def counted(self):
        return self.where(self.rng.choice(["count()", f"distinct({self.expr(self.rng.choice(KEYS), 1)})",
                                           f"count({self.holder(('opt', 'int'))})", f"sum({self.expr('int', 1)})"]))

    def many(self, t):
        by, number = self.expr(self.rng.choice(ORDERED), 1), self.rng.choice(["1", "3", "LIMIT"])
        value = self.expr(t, 2) if t == "string" else self.holder(t)
        return self.where(self.rng.choice([f"collect({value})", f"all_max_by({by}, {value})",
                                           f"all_min_by({by}, {value})", f"top({number}, {by}, {value})"]))

    def aggregated(self):
        t, ordered, number = self.some_type(2), self.rng.choice(ORDERED), self.rng.choice(["int", "float", DECIMAL, "duration"])
        some = self.holder(("opt", ordered)) if self.chance(0.3) else self.expr(ordered, 2)
        if self.chance(0.2):
            return self.many(t)
        return self.where(self.rng.choice([
            f"min({some})", f"max({some})", f"avg({self.expr(number, 1)})", f"sum({self.expr(number, 1)})",
            f"stddev({self.expr('float', 1)})", f"quantile({self.expr(number, 1)}, 0.{self.rng.randrange(10)})",
            f"first({self.holder(t)})", f"last({self.holder(t)})", f"min_by({self.expr(ordered, 1)}, {self.holder(t)})",
            f"max_by({self.expr(ordered, 1)}, {self.holder(t)})", f"top(2, {self.expr(ordered, 1)})"]))

    def holder(self, t):
        """An expression that has the type by itself: `[]` and `none` have not."""
        known = self.with_type(t)
        return self.rng.choice(known).text if known else self.expr(self.rng.choice(("int", "string")), 2)

    def simple_stages(self, fields, key=None):
        text = ""
        for _ in range(self.rng.randrange(3)):
            other = self.handler()
            self.with_item(fields, key)
            way = self.rng.randrange(4)
            if way == 3:
                text += self.library_step(fields, other)
            elif way == 0:
                text += f"  |> filter {self.expr('bool')}{other}\n"
            elif way == 1:
                text += f"  |> map {self.row()}{other}\n"
                fields = OUT_FIELDS
            else:
                text += f"  |> flat_map [{self.row()}, {self.row()}]{other}\n"
                fields = OUT_FIELDS
        return text, fields

    def library_step(self, fields, other):
        """A step of the library that gives back the items; a function in it sees the item and constants."""
        item = self.fresh("x")
        self.names = [Name("LIMIT", "int"), Name("par", "int"), Name("label", "string"), Name("NAMES", ("list", "string"))]
        self.names += [Name(f"{item}.{n}", t) for n, t in fields]
        number = self.rng.choice(["1", "3", "par", "LIMIT - par"])

        def by(t):
            return f"{item} => {self.expr(t, 2)}"
        step, rest = self.rng.choice([
            lambda: (f"limit({number})", ""), lambda: (f"sample({number})", ""),
            lambda: (f"dedupe(by: {by(self.rng.choice(KEYS))})", ""), lambda: (f"changes(of: {by('string')})", ""),
            lambda: ("numbered", "  |> map item\n"), lambda: ("with_previous", "  |> filter before == none\n  |> map item\n"),
            lambda: (f"running_total({by(self.rng.choice(['int', DECIMAL]))})", "  |> map item\n"),
            lambda: (f"top({number}, {by('int')})", "  |> flat_map it\n")])()
        return f"  |> {step} named {self.fresh('step')}{other}\n{rest}"

    def key_by(self, fields):
        other = self.handler()
        self.with_item(fields)
        if self.chance(0.2):
            return '  |> key by "ALL"\n', "string"
        if self.chance(0.5):
            t = self.rng.choice(KEYS)
            return f"  |> key by {self.expr(t, 2)}{other}\n", t
        return f"  |> key by {{ a: {self.expr('string', 2)}, b: {self.expr('int', 1)} % 3 }}{other}\n", None

    def pipelines(self):
        self.text += "record Out { id: int, user: string, what: string, all: list[string] = [] }\n"
        out, streams = "", [(name, self.item) for name in self.sources]
        if len(self.sources) > 1:
            out += "stream both = items |> merge more\n"
            streams += [("both", self.item)] * 2
        for number in range(self.rng.randrange(1, 5)):
            start, fields = self.rng.choice(streams)
            text = f"stream part{number} = {start}\n"
            side, key_type = f"side{number}", None
            for _ in range(self.rng.choice([1, 1, 2, 3])):
                stages, fields = self.simple_stages(fields, key_type)
                key, key_type = self.key_by(fields)
                if self.chance(0.2):
                    text += stages + key + self.aggregate(fields, key_type)
                else:
                    text += stages + key + self.state(fields, key_type, ["out", "out", side])
                fields = OUT_FIELDS
            stages, fields = self.simple_stages(fields, key_type)
            out += text + stages
            if f"into {side}" in text:
                streams.append((side, OUT_FIELDS))
                out += f"{side} |> into {self.some_sink()}\n"
            streams.append((f"part{number}", fields))
            out += self.ending(f"part{number}", fields, number, streams)
        return out

    def ending(self, name, fields, number, streams):
        way = self.rng.randrange(3)
        if way == 0:
            return f"{name} |> into {self.some_sink()}\n"
        if way == 1:
            return f"{name} |> merge {name} |> map {{ id, user }} |> into {self.some_sink()}\n"
        self.with_item(fields)
        self.can_fail = False
        left, right, met = f"left{number}", f"right{number}", f"met{number}"
        streams += [(left, fields), (met, fields)]
        return (f"{name} |> split {{\n  {self.expr('bool', 2)} => {left}\n  {self.expr('bool', 1)} => {right}\n"
                f"  else => {left}\n}} else skip\n{left} |> into {self.some_sink()}\n"
                f"stream {met} = {right} |> merge {left}\n{met} |> into {self.some_sink()}\n")

    def some_sink(self):
        if len(self.sinks) < 3 and self.chance(0.3):
            self.sinks.append(f"sink{len(self.sinks)}")
        return self.rng.choice(self.sinks)

    # -- input ----------------------------------------------------------------------------------

    def value(self, t):
        rng = self.rng
        if t == "int":
            return rng.choice([0, 1, 2, -3, 7, 10, 1000, rng.randrange(-50, 50)])
        if t == "float":
            return rng.choice([0, 0.5, -2.25, 1e6, rng.randrange(-90, 90) / 4])
        if t == "bool":
            return rng.random() < 0.5
        if t == "string":
            return rng.choice(["", "a", "b c", "7", "12", "-3", "x y z", "twelve bytes", "ünï cödé and more", "a text of more than twelve bytes",
                               'with "quotes" and \\', "line\nbreak", " trim me "])
        if t == "bytes":
            return base64.b64encode(bytes(rng.randrange(256) for _ in range(rng.choice([0, 1, 2, 3, 12, 13, 30])))).decode()
        if t == "duration":
            return rng.choice(["0s", "5m", "1h30m", "-2s", "1d2h"])
        if t == "timestamp":
            return rng.choice(["2024-05-06T07:08:09Z", "1970-01-01T00:00:00.5Z", "2001-09-09T01:46:40+02:00"])
        if t == DECIMAL:
            return rng.choice([0, 1, -3, 0.5, 99.99, -12.25, 1000.1])
        if t == "json":
            return rng.choice([None, 1, "text", [], [1.5, {"a": 2}], {"a": {"b": 7}, "s": "a text of more than twelve bytes"}])
        if t == KIND:
            return rng.choice(["red", "GREEN!", "deep_blue"])
        if t == SHAPE:
            return self.shape(*rng.choice([("nothing", None), ("circle", {"r": self.value("float")}),
                                           ("box", {"w": self.value("int"), "tags": self.value(("list", "string"))})]))
        if t == INNER:
            return {n: self.value(f) for n, f in INNER_FIELDS if self.chance(0.7)}
        if t[0] == "opt":
            return None if self.chance(0.3) else self.value(t[1])
        if t[0] in ("list", "set"):
            return [self.value(t[1]) for _ in range(rng.randrange(4))]
        pairs = [(self.value(t[1]), self.value(t[2])) for _ in range(rng.randrange(3))]
        if t[1] in ("bool", "bytes", DECIMAL):
            return [list(pair) for pair in pairs]
        return {str(k): v for k, v in pairs}

    def shape(self, name, fields):
        """A variant as JSON; the tag of a tagged one stands anywhere."""
        if not self.tag:
            return name if fields is None else {name: fields}
        members = list((fields or {}).items())
        members.insert(self.rng.choice([0, 0, 0, len(members)]), (self.tag, name))
        return dict(members)

    def input_lines(self, count):
        users = ["ann", "bob", "a user with a long name", "ünï"]
        lines = []
        for i in range(count):
            record = {"id": i, "user": self.rng.choice(users)}
            record.update((n, self.value(t)) for n, t in self.item[2:])
            line = json.dumps(record, ensure_ascii=self.chance(0.2))
            if self.has_bad_records and self.chance(0.05):
                line = self.rng.choice([line[:-1], '{"id": "one"}', "no json", "", "  "])
            lines.append(line + "\n")
        return lines


OUT_FIELDS = (("id", "int"), ("user", "string"), ("what", "string"), ("all", ("list", "string")))
