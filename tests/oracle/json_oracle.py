#!/usr/bin/env python3
"""JSON Lines: generated parsers and printers against Python's json, on random and damaged records.

    json_oracle.py [FLOWCC [SEED]]         FULL=1 in the environment: many more records and types
"""

import random
import sys

sys.dont_write_bytecode = True
from records import flows, generate, model  # noqa: E402

KIND = ("enum", "Kind", (("order", None), ("payment", None)))
EVENT = ("record", "Event", (("user_id", "string", {}), ("type", KIND, {}), ("order_id", "int", {})))
INNER = ("record", "Inner", (("c", ("opt", "string"), {}), ("n", "int", {})))
SHAPE = ("enum", "Shape", (("circle", (("r", "float", {}),)), ("rect", (("w", "int", {}), ("h", ("opt", "int"), {}))), ("dot", None)))
TAGGED = ("tagged", "Tagged", (
    ("order", (("id", "int", {}), ("at", "timestamp", {"unit": 1000, "from": "at (ms)"}), ("note", "string", {"default": "none"}))),
    ("payment", (("id", "int", {}), ("of", ("opt", INNER), {}), ("list", ("list", "string"), {}))), ("ping", None)), "kind")
WIDE = ("record", "Wide", (
    ("i", "int", {}), ("f", "float", {}), ("b", "bool", {}), ("s", "string", {}), ("ts", "timestamp", {}),
    ("tu", "timestamp", {"unit": 1000}), ("d", "duration", {}), ("oi", ("opt", "int"), {}), ("os", ("opt", "string"), {}),
    ("li", ("list", "int"), {}), ("ls", ("list", "string"), {}), ("lo", ("list", ("opt", "string")), {}),
    ("ll", ("list", ("list", "int")), {}), ("ms", ("map", "string", "int"), {}), ("mi", ("map", "int", ("list", "string")), {}),
    ("mk", ("map", KIND, "float"), {}), ("mt", ("map", INNER, "int"), {}), ("si", ("set", "int"), {}), ("nested", INNER, {}),
    ("lr", ("list", INNER), {}), ("sh", SHAPE, {}), ("lsh", ("list", SHAPE), {}), ("k", KIND, {}), ("ok", ("opt", KIND), {}),
    ("by", "bytes", {}), ("ob", ("opt", "bytes"), {}), ("tag", TAGGED, {}), ("lt", ("list", TAGGED), {}), ("sb", ("set", "bytes"), {}),
    ("j", "json", {}), ("oj", ("opt", "json"), {}), ("m", ("decimal", 2), {}), ("om", ("opt", ("decimal", 18)), {}), ("ld", ("list", ("decimal", 3)), {}),
    ("weird", "int", {"from": "we\"ird é"}), ("def", "int", {"default": 7})))
# More fields than guesses are kept for; their names have one length, so a look-up takes them apart by their bytes.
MANY = ("record", "Many", tuple((f"field_{n:03}", ("opt", "int"), {}) for n in range(110)))
SPARSE = ("record", "Sparse", (
    ("a", ("opt", "int"), {}), ("b", ("opt", "string"), {}), ("twenty_bytes_field_a", ("opt", "int"), {}),
    ("twenty_bytes_field_b", ("opt", "int"), {}), ("an_optional_field_with_a_long_name", ("opt", "float"), {}),
    ("inner", ("opt", INNER), {}), ("kind", ("opt", KIND), {}), ("inners", ("list", INNER), {}), ("c", "int", {"default": 3})))
SCALARS = [("decimal", 2), ("decimal", 7), "int", "float", "bool", "string", "bytes", "json", "timestamp", "duration"]


def random_type(rng, depth):
    way = rng.randrange(10 if depth else 5)
    if way < 5:
        return rng.choice(SCALARS + [KIND])
    if way == 5:
        inner = random_type(rng, depth - 1)
        return inner if inner[0] == "opt" else ("opt", inner)
    if way == 6:
        return ("list", random_type(rng, depth - 1))
    if way == 7:
        return ("set", rng.choice(["int", "string", "bytes", KIND, "timestamp", ("decimal", 1)]))
    if way == 8:
        return ("map", rng.choice(["int", "string", KIND, INNER]), random_type(rng, depth - 1))
    return rng.choice([INNER, SHAPE, TAGGED, EVENT])


def random_record(rng):
    fields, names = [], ["a", "bb", "type", "state", "user_id", "f_x", "int", "struct", "out", "seen0", "key_of_it", "x" * 70]
    for name in rng.sample(names, rng.randrange(1, 9)):
        t, options = random_type(rng, 3), {}
        if t == "timestamp" and rng.random() < 0.5:
            options["unit"] = rng.choice([1, 1000, 10**6])
        if t in ("int", "string", "bool") and rng.random() < 0.3:
            options["default"] = {"int": -5, "string": "dé \"fault\" over twelve", "bool": True}[t]
        if rng.random() < 0.1:
            options["from"] = name + "/é"
        fields.append((name, t, options))
    return ("record", "Item", tuple(fields))


def expected(t, lines, print_row):
    for number, line in enumerate(lines, 1):
        record = line[3:] if number == 1 and line.startswith(b"\xef\xbb\xbf") else line
        if not record.strip(b" \t\r"):
            continue
        try:
            yield number, record, print_row(model.read(t, record)).encode() + b"\n"
        except model.Bad:
            yield number, record, None


def check(name, rng, t, count, make=generate.lines):
    lines = make(rng, t, count)
    data = b"\n".join(lines) + rng.choice([b"\n", b""])
    whole = flows.run(flows.Program().text(t, "jsonl"), data)
    flows.compare(name, whole, expected(t, lines, lambda row: model.text_of(t, row)))
    if t[0] != "record":
        return
    # Which fields a flow reads must not change what it accepts.
    field, field_type, _ = t[2][-1]
    one = flows.run(flows.Program().text(t, "jsonl", f"|> map {{ it.{field} }} "), data)
    wanted = ("record", None, ((field, field_type, {}),))
    flows.compare(name + " ." + field, one, expected(t, lines, lambda row: model.text_of(wanted, row)))


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20240101
    rng, more = random.Random(seed), 10 if flows.is_long() else 1
    check("event", rng, EVENT, 600 * more)
    check("wide", rng, WIDE, 600 * more)
    check("tagged", rng, TAGGED, 600 * more)
    for t in ("int", "float", "string", ("list", "float"), ("decimal", 2), "json"):
        check(f"lines of {t}", rng, t, 200 * more)
    check("events, shifting keys", rng, EVENT, 900 * more, generate.shifting_lines)
    check("many keys, shifting", rng, MANY, 500 * more, generate.shifting_lines)
    check("optional, shifting keys", rng, SPARSE, 900 * more, generate.shifting_lines)
    check("wide, shifting keys", rng, WIDE, 200 * more, generate.shifting_lines)
    for number in range(more):
        check(f"random type {number}, shifting keys", rng, random_record(rng), 300, generate.shifting_lines)
    for number in range(2 * more):
        check(f"random type {number}", rng, random_record(rng), 300)


if __name__ == "__main__":
    main()
