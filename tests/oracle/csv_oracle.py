#!/usr/bin/env python3
"""CSV and text lines: generated parsers and printers against Python, on random and damaged rows.

    csv_oracle.py [FLOWCC [SEED]]          FULL=1 in the environment: many more rows
"""

import json
import random
import sys

sys.dont_write_bytecode = True
from records import flows, generate, model, rows  # noqa: E402

KIND = ("enum", "Kind", (("order", None), ("payment", None)))
ROW = ("record", "Row", (
    ("i", "int", {}), ("s", "string", {}), ("f", ("opt", "float"), {}), ("os", ("opt", "string"), {}), ("b", "bool", {}),
    ("k", KIND, {}), ("tu", "timestamp", {"unit": 1000, "from": "at (ms)"}), ("ts", ("opt", "timestamp"), {}),
    ("d", ("opt", "duration"), {}), ("m", ("decimal", 2), {}), ("om", ("opt", ("decimal", 9)), {}), ("oi", ("opt", "int"), {}), ("by", "bytes", {}), ("ob", ("opt", "bytes"), {})))
NUMBERS = ("record", "Numbers", (
    ("a", "int", {}), ("tm", "timestamp", {"unit": 1000}), ("b", "int", {}), ("s", "string", {}), ("c", "int", {}),
    ("d", "int", {}), ("ts", "timestamp", {"unit": 1000000}), ("e", "int", {}), ("tu", "timestamp", {"unit": 1}),
    ("os", ("opt", "string"), {}), ("f", "int", {}), ("last", "string", {})))
WORD = ("record", "Word", (("word", "string", {}),))


def expected(t, header, data, first_line, delimiter, print_row):
    if first_line == 1 and data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]  # a byte order mark at the start of the file is no part of it
    for line, record, is_closed in rows.records(data):
        if not record:
            continue
        try:
            row = rows.read(t, header, record, is_closed, delimiter)
        except model.Bad:
            yield line + first_line - 1, record, None
            continue
        yield line + first_line - 1, record, (print_row(row) + "\n").encode()


def read_back(t, outcome, delimiter):
    """The printed rows as Python's csv reads them."""
    text = outcome.out.decode()
    header, *body = rows.python_reads_all(text, delimiter)
    names = [name for name, _, _ in t[2]]
    if header != names:
        sys.exit(f"the header is {header}")
    for row in body:
        if len(row) != len(names):
            sys.exit(f"Python reads {row}")
    return body


def check_rows(name, rng, t, count, delimiter, others=None):
    header = rows.header_of(rng, t, others)
    data = rows.data(rng, t, header, delimiter, count)
    options = "" if delimiter == "," else "(delimiter: " + json.dumps(delimiter) + ")"
    head = (delimiter.join(header) + "\n").encode()
    sink = f'file("out", csv{options})'
    outcome = flows.run(flows.Program().text(t, "csv" + options, sink=sink), head + data)
    first = (delimiter.join(name for name, _, _ in t[2]) + "\n").encode()
    if not outcome.out.startswith(first):
        sys.exit(f"{name}: the header is {outcome.out[:100]!r}")
    body = iter(read_back(t, outcome, delimiter))

    def print_row(row):
        values = [rows.plain_text(f, row[n]) for n, f, _ in t[2]]
        if next(body) != values:
            sys.exit(f"{name}: Python's csv does not read back {values}")
        return rows.text_of(t, row, delimiter)

    outcome.out = outcome.out[len(first) :]
    flows.compare(name, outcome, expected(t, header, data, 2, delimiter, print_row))

    # The same rows by position, without a header, and only one of the fields in use.
    positions = ("record", t[1], t[2])
    data = rows.data(rng, t, [options.get("from", n) for n, _, options in t[2]], delimiter, count)
    header = [options.get("from", n) for n, _, options in t[2]]
    plain = f"csv(header: false, delimiter: {json.dumps(delimiter)})"
    field, field_type, _ = t[2][-1]
    outcome = flows.run(flows.Program().text(positions, plain, f"|> map {{ it.{field} }} "), data)
    wanted = ("record", None, ((field, field_type, {}),))
    flows.compare(name + " by position", outcome,
                  expected(t, header, data, 1, delimiter, lambda row: model.text_of(wanted, row)))


# -- text ------------------------------------------------------------------------------------


def text_lines(rng, t, count):
    out = []
    for _ in range(count):
        if t == "string":
            line = rng.choice(rows.TEXTS + ["true", " blank "]).replace("\n", " ").encode()
        else:
            line = rows.spell_field(rng, t, None, "\x01", rng.choice([0, 0.1])).encode()
        if rng.random() < 0.2:
            line = generate.damage(rng, line)
        out.append(line.replace(b"\n", b" ") + rng.choice([b"", b"", b"\r"]))
    return out


def expected_text(t, lines):
    for number, line in enumerate(lines, 1):
        record = line[3:] if number == 1 and line.startswith(b"\xef\xbb\xbf") else line
        record = rows.without_cr(record)
        try:
            text = record.decode("utf-8")
            value = rows.convert(t, text, None)
            yield number, record, (value if t == "string" else model.text_of(t, value)).encode() + b"\n"
        except (UnicodeDecodeError, model.Bad):
            yield number, record, None


def check_text(rng, t, count):
    lines = text_lines(rng, t, count)
    outcome = flows.run(flows.Program().text(t, "text", sink='file("out", text)'), b"\n".join(lines) + b"\n")
    flows.compare(f"text lines of {t}", outcome, expected_text(t, lines))


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20240101
    rng, more = random.Random(seed), 10 if flows.is_long() else 1
    check_rows("rows", rng, ROW, 500 * more, ",")
    check_rows("rows with ;", rng, ROW, 300 * more, ";")
    check_rows("numbers", rng, NUMBERS, 500 * more, ",", [])
    check_rows("words with tabs", rng, WORD, 300 * more, "\t")
    check_rows("rows in order", rng, ROW, 300 * more, ",", [])
    check_rows("rows in order, others behind", rng, ROW, 300 * more, ";", ["other", "i", "last"])
    check_rows("words in order", rng, WORD, 500 * more, ",", [])
    check_rows("words in order, others behind", rng, WORD, 500 * more, ",", ["a", "b"])
    for t in ("string", "int", "float", ("decimal", 0), ("decimal", 3)):
        check_text(rng, t, 300 * more)


if __name__ == "__main__":
    main()
