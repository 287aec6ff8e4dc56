#!/usr/bin/env python3
"""The inputs on which JSON libraries disagree: what flowcc, Python's json and jansson each make of them.

    json_table.py [FLOWCC]

Every row of docs/formats.md on numbers, strings, keys and nesting has its lines here. A verdict that one of the
three changes, or that is written down wrongly, fails the test.
"""

import ctypes
import json
import math
import sys

sys.dont_write_bytecode = True
from records import flows, model  # noqa: E402

DECODE_ANY, ALLOW_NUL = 4, 16  # of jansson.h
ITEM = ("record", "Item", (("i", ("opt", "int"), {}), ("f", ("opt", "float"), {}), ("s", ("opt", "string"), {}), ("n", "int", {})))
DEEP = 512  # FLOW_JSON_DEPTH


def nested(depth):
    return "[" * depth + "]" * depth


# The value of a field, and whether it is taken: by flowcc in that field, by flowcc in a field that is not declared, by
# Python, by jansson; `-`: not asked.
VALUES = [
    # ints
    ("i", "9223372036854775807", "yes yes yes yes"),
    ("i", "-9223372036854775808", "yes yes yes yes"),
    ("i", "9223372036854775808", "no yes yes no"),
    ("i", "-9223372036854775809", "no yes yes no"),
    ("i", "1" + "0" * 400, "no yes yes no"),
    ("i", "-0", "yes yes yes yes"),
    ("i", "1.0", "no yes yes yes"),
    ("i", "1e2", "no yes yes yes"),
    ("i", "01", "no no no no"),
    ("i", "-01", "no no no no"),
    ("i", "00", "no no no no"),
    ("i", "+1", "no no no no"),
    ("i", "-", "no no no no"),
    ("i", "--1", "no no no no"),
    ("i", "0x10", "no no no no"),
    ("i", "1_000", "no no no no"),
    ("i", "true", "no yes yes yes"),
    ("i", '"1"', "no yes yes yes"),
    # floats
    ("f", "1e400", "no yes yes no"),
    ("f", "-1e400", "no yes yes no"),
    ("f", "1e-400", "yes yes yes yes"),
    ("f", "1E+0000000000000000000000000000000000000000000001", "yes yes yes yes"),
    ("f", "0e99999999999999999999", "yes yes yes yes"),
    ("f", "1e-99999999999999999999", "yes yes yes yes"),
    ("f", "1e99999999999999999999", "no yes yes no"),
    ("f", "1" + "0" * 308, "yes yes yes no"),
    ("f", "1" + "0" * 309, "no yes yes no"),
    ("f", "1" + "0" * 309 + ".0", "no yes yes no"),
    ("f", "0." + "0" * 400 + "1", "yes yes yes yes"),
    ("f", "5e-324", "yes yes yes yes"),
    ("f", "1.7976931348623158e308", "yes yes yes yes"),
    ("f", "1.7976931348623159e308", "no yes yes no"),
    ("f", "9223372036854775808", "yes yes yes no"),
    ("f", "-0", "yes yes yes yes"),
    ("f", "-0.0", "yes yes yes yes"),
    ("f", "NaN", "no no yes no"),
    ("f", "nan", "no no no no"),
    ("f", "Infinity", "no no yes no"),
    ("f", "-Infinity", "no no yes no"),
    ("f", ".5", "no no no no"),
    ("f", "5.", "no no no no"),
    ("f", "1.e3", "no no no no"),
    ("f", "1e", "no no no no"),
    ("f", "1e+", "no no no no"),
    ("f", "01.5", "no no no no"),
    # strings
    ("s", '"\\u0000"', "yes yes yes no"),
    ("s", '"a\\u0000b"', "yes yes yes no"),
    ("s", '"\0"', "no no no no"),
    ("s", '"\t"', "no no no no"),
    ("s", '"\x1f"', "no no no no"),
    ("s", '"\x7f"', "yes yes yes yes"),
    ("s", '"\\ud800"', "no no yes no"),
    ("s", '"\\udc00"', "no no yes no"),
    ("s", '"\\ud800x"', "no no yes no"),
    ("s", '"\\ud800\\ud800"', "no no yes no"),
    ("s", '"\\udc00\\ud800"', "no no yes no"),
    ("s", '"\\ud83d\\ude00"', "yes yes yes yes"),
    ("s", '"\\uD83D\\uDE00"', "yes yes yes yes"),
    ("s", '"\\uffff"', "yes yes yes yes"),
    ("s", '"\u2028\ufeff\uffff\U0010ffff"', "yes yes yes yes"),
    ("s", b'"\xff"', "no no no no"),
    ("s", b'"\xc3"', "no no no no"),
    ("s", b'"\xc0\x80"', "no no no no"),
    ("s", b'"\xed\xa0\x80"', "no no no no"),
    ("s", b'"\xf4\x90\x80\x80"', "no no no no"),
    ("s", b'"\xf0\x9f\x98"', "no no no no"),
    ("s", '"\\x41"', "no no no no"),
    ("s", '"\\\'"', "no no no no"),
    ("s", '"\\u12g4"', "no no no no"),
    ("s", '"\\U0041"', "no no no no"),
    ("s", '"\\/"', "yes yes yes yes"),
    ("s", "'a'", "no no no no"),
    ("s", '"a', "no no no no"),
    # literals and structure
    ("s", "null", "yes yes yes yes"),
    ("s", "Null", "no no no no"),
    ("s", "nul", "no no no no"),
    ("s", "True", "no no no no"),
    ("s", "undefined", "no no no no"),
    ("s", "", "no no no no"),
    ("s", "[1,]", "no no no no"),
    ("s", "[,1]", "no no no no"),
    ("s", '{"a": 1,}', "no no no no"),
    ("s", "{a: 1}", "no no no no"),
    ("s", '{"a" 1}', "no no no no"),
    ("s", "{1: 1}", "no no no no"),
    ("s", "[1 2]", "no no no no"),
    ("s", "/* none */ null", "no no no no"),
    ("s", '{"": 0, "": 1}', "no yes yes yes"),
    ("s", nested(DEEP), "no yes yes yes"),
    ("s", nested(DEEP + 1), "no no yes yes"),
    ("s", nested(3000), "no no - no"),
]

# Whole lines, and what flowcc prints (`{"n": 1}` for the usual ones), or None; then Python and jansson.
USUAL = '{"i": null, "f": null, "s": null, "n": 1}'
LINES = [
    ('{"n": 1}', USUAL, "yes yes"),
    ('\t{ "n"\r:\t1 } \r', USUAL, "yes yes"),
    ('{"n": 2, "n": 1}', USUAL, "yes yes"),
    ('{"n": 1, "s": "a", "s": null}', USUAL, "yes yes"),
    ('{"n": "x", "n": 1}', None, "yes yes"),
    ('{"\\u006e": 1}', USUAL, "yes yes"),
    ('{"": 0, "n": 1}', USUAL, "yes yes"),
    ('{"\\u0000": 0, "n": 1}', USUAL, "yes no"),
    ('{"\\ud800": 0, "n": 1}', None, "yes no"),
    ('{"N": 1}', None, "yes yes"),
    ('{"n": null}', None, "yes yes"),
    ('{}', None, "yes yes"),
    ('\ufeff{"n": 1}', None, "no no"),
    ('{"n": 1}\ufeff', None, "no no"),
    ('{"n": 1} {"n": 1}', None, "no no"),
    ('{"n": 1},', None, "no no"),
    ('{"n": 1}}', None, "no no"),
    ('{"n": 1} // one', None, "no no"),
    ('{"n": 1}\0', None, "no no"),
    ('{"n": 1}\f', None, "no no"),
    ('{"n": 1}\u00a0', None, "no no"),
    ('{"n": 1', None, "no no"),
    ('{"n": 1,}', None, "no no"),
    ('{"n": 1; "i": 1}', None, "no no"),
    ('{"n"= 1}', None, "no no"),
    ('[{"n": 1}]', None, "yes yes"),
    ('1', None, "yes yes"),
    ('null', None, "yes yes"),
]


def python_takes(line):
    try:
        json.loads(line.decode("utf-8"))
        return True
    except ValueError:
        return False


def jansson():
    """A function that says whether jansson takes a line."""
    library = ctypes.CDLL("libjansson.so.4")
    library.json_loadb.restype = ctypes.c_void_p
    library.json_loadb.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p]
    library.json_delete.argtypes = [ctypes.c_void_p]

    def takes(line):
        value = library.json_loadb(line, len(line), DECODE_ANY, None)
        if value:
            library.json_delete(value)
        return bool(value)

    return takes


def as_bytes(text):
    return text if isinstance(text, bytes) else text.encode("utf-8")


def verdict(is_taken):
    return "yes" if is_taken else "no"


def cases():
    """(line, what flowcc prints or None, verdict of Python, of jansson)"""
    for field, value, verdicts in VALUES:
        own, ignored, python, other = verdicts.split()
        value = as_bytes(value)
        line = b'{"n": 1, "' + field.encode() + b'": ' + value + b"}"
        yield line, printed(field, value) if own == "yes" else None, python, other
        yield b'{"n": 1, "o": ' + value + b"}", USUAL if ignored == "yes" else None, python, other
        if value and not value.startswith(b"[["):
            yield b'{"n": 1, "o": {"in": [' + value + b"]}}", USUAL if ignored == "yes" else None, python, other
    for line, out, verdicts in LINES:
        python, other = verdicts.split()
        yield as_bytes(line), out, python, other


def printed(field, value):
    row = {"i": None, "f": None, "s": None, "n": 1}
    read = json.loads(value.decode("utf-8"))
    if field == "f" and read is not None:
        read = math.copysign(0.0, -1) if value == b"-0" else float(read)
    row[field] = read
    return model.text_of(ITEM, row)


def main():
    takes = jansson()
    lines, expected = [b'{"n": 1}'], [(1, b'{"n": 1}', USUAL.encode() + b"\n")]
    for line, out, python, other in cases():
        for name, want, found in (("Python", python, lambda: python_takes(line)), ("jansson", other, lambda: takes(line))):
            if want not in (None, "-") and verdict(found()) != want:
                sys.exit(f"{name} does not say {want} to {line[:200]!r}")
        # Once behind a line with other keys, and once behind one with the same.
        for before in (b'{"x": 0, "n": 1}', line):
            for each, printed_line in ((before, out if before is line else USUAL), (line, out)):
                lines.append(each)
                expected.append((len(lines), each, None if printed_line is None else printed_line.encode() + b"\n"))
    data = b"\n".join(lines) + b"\n"
    flows.compare("the table", flows.run(flows.Program().text(ITEM, "jsonl"), data), expected)
    one = ("record", None, (("n", "int", {}),))
    unused = [(number, line, None if out is None else model.text_of(one, {"n": 1}).encode() + b"\n") for number, line, out in expected]
    flows.compare("the table, one field used", flows.run(flows.Program().text(ITEM, "jsonl", "|> map { it.n } "), data), unused)


if __name__ == "__main__":
    main()
