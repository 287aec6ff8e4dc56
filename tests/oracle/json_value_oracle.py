#!/usr/bin/env python3
"""Values of type json: equality, look-ups and conversions of generated programs against Python's json.

    json_value_oracle.py [FLOWCC [SEED]]   FULL=1 in the environment: many more
"""

import json
import random
import sys
from decimal import Decimal

sys.dont_write_bytecode = True
from records import flows, generate, model  # noqa: E402

KEYS = ["a", "b", "a b", "é", "q\"", "", "long key of more than twelve bytes"]
NUMBERS = ["0", "-0", "0.0", "1", "1.0", "10e-1", "0.1E1", "100", "1e2", "-7", "-7.00", "12.50", "12.5", "1e400", "9223372036854775808", "0.05", "5e-2"]
TEXTS = ["", "a", "x\ny", "quote\"", "Ünï", "a text of more than twelve bytes", "\x01", "1"]


def value(rng, depth):
    """A value as a tree: lists, lists of pairs (model.Pairs), strings, None, bools, and numbers as ("n", text)."""
    way = rng.randrange(7 if depth else 4)
    if way == 0:
        return ("n", rng.choice(NUMBERS))
    if way == 1:
        return rng.choice(TEXTS)
    if way == 2:
        return rng.choice([None, True, False])
    if way in (3, 4):
        return [value(rng, depth - 1) for _ in range(rng.randrange(4))] if depth else []
    return model.Pairs((rng.choice(KEYS), value(rng, depth - 1)) for _ in range(rng.randrange(5)))


def disturbed(rng, v):
    """The same value with keys in another order and numbers spelled otherwise; sometimes another one."""
    if rng.random() < 0.03:
        return value(rng, 1)
    if isinstance(v, model.Pairs):
        last = dict(v)
        keys = list(last) if rng.random() < 0.8 else [k for k, _ in v]
        rng.shuffle(keys)
        return model.Pairs((k, disturbed(rng, last[k])) for k in keys)
    if isinstance(v, list):
        return [disturbed(rng, x) for x in v]
    if isinstance(v, tuple):
        same = [n for n in NUMBERS if Decimal(n) == Decimal(v[1])]
        return ("n", rng.choice(same))
    return v


def spell(rng, v):
    if isinstance(v, model.Pairs):
        return generate.spell_members(rng, [(k, spell(rng, x)) for k, x in v])
    if isinstance(v, list):
        return "[" + generate.blank(rng) + (generate.blank(rng) + ",").join(spell(rng, x) for x in v) + generate.blank(rng) + "]"
    if isinstance(v, tuple):
        return v[1]
    return generate.spell_string(rng, v) if isinstance(v, str) else json.dumps(v)


def meaning(v):
    """Something that Python compares as the language does."""
    if isinstance(v, model.Pairs):
        return ("object", frozenset((k, meaning(x)) for k, x in dict(v).items()))
    if isinstance(v, list):
        return ("array", tuple(meaning(x) for x in v))
    if isinstance(v, tuple):
        return ("number", Decimal(v[1]))
    return (type(v).__name__, v)


def text_of(v):
    if isinstance(v, model.Pairs):
        return "{" + ", ".join(model.string_text(k) + ": " + text_of(x) for k, x in v) + "}"
    if isinstance(v, list):
        return "[" + ", ".join(text_of(x) for x in v) + "]"
    if isinstance(v, tuple):
        return v[1]
    return model.string_text(v) if isinstance(v, str) else json.dumps(v)


def member(v, key):
    return dict(v).get(key) if isinstance(v, model.Pairs) else None


def element(v, index):
    return v[index] if isinstance(v, list) and not isinstance(v, model.Pairs) and index < len(v) else None


def to_int(v):
    if not isinstance(v, tuple) or not v[1].lstrip("-").isdigit():
        return -1
    return int(v[1]) if model.INT_MIN <= int(v[1]) <= model.INT_MAX else -1


def to_decimal(v):
    try:
        return model.decimal_units(v[1], 2) if isinstance(v, tuple) else -1
    except model.Bad:
        return -1


FLOW = """record Pair { a: json, b: json }
source pairs: Pair = file("in", jsonl)
sink out = file("out", jsonl)
sink bad = file("bad", text)
pairs
  |> map {
       same: a == b, whole: a, member: a.a.b, named: a["a b"], quoted: a["q\\""], element: a[1].a
       number: int(a.a) ?? -1, cents: decimal(a.a, 2) ?? -0.01, text: string(a.b) ?? "?", flag: bool(a.b) ?? false
       elements: elements(a.b) ?? [], members: members(a.a) ?? [], is_none: is_null(a.b), shown: f"{a.b}"
     }
  |> into out
pairs |> filter false |> map 0 |> into bad
"""


def expected(a, b):
    m, mb = member(a, "a"), member(a, "b")
    is_array = isinstance(mb, list) and not isinstance(mb, model.Pairs)
    fields = [
        ("same", json.dumps(meaning(a) == meaning(b))), ("whole", text_of(a)), ("member", text_of(member(m, "b"))),
        ("named", text_of(member(a, "a b"))), ("quoted", text_of(member(a, "q\""))), ("element", text_of(member(element(a, 1), "a"))),
        ("number", str(to_int(m))), ("cents", model.decimal_text(to_decimal(m), 2)),
        ("text", model.string_text(mb if isinstance(mb, str) else "?")), ("flag", json.dumps(mb is True)),
        ("elements", text_of(mb) if is_array else "[]"),
        ("members", text_of(model.Pairs(dict(m).items())) if isinstance(m, model.Pairs) else "{}"), ("is_none", json.dumps(mb is None)),
        ("shown", model.string_text(mb if isinstance(mb, str) else text_of(mb)))]
    return "{" + ", ".join(f'"{name}": {value}' for name, value in fields) + "}\n"


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20240101
    rng, count = random.Random(seed), 3000 * (10 if flows.is_long() else 1)
    pairs = []
    for _ in range(count):
        a = value(rng, 4)
        pairs.append((a, disturbed(rng, a) if rng.random() < 0.8 else value(rng, 3)))
    data = "".join(f'{{"a": {spell(rng, a)}, "b": {spell(rng, b)}}}\n' for a, b in pairs).encode()
    outcome = flows.run(FLOW, data)
    lines = outcome.out.decode().splitlines(keepends=True)
    if len(lines) != count:
        sys.exit(f"{len(lines)} lines instead of {count}")
    equal = 0
    for (a, b), line in zip(pairs, lines):
        want = expected(a, b)
        if line != want:
            sys.exit(f"{text_of(a)}\n{text_of(b)}\n  expected {want}  printed  {line}")
        equal += meaning(a) == meaning(b)
    if not count / 10 < equal < count * 9 / 10:
        sys.exit(f"{equal} of {count} are equal; this shows too little")
    print(f"{count} pairs, {equal} of them equal")


if __name__ == "__main__":
    main()
