"""CSV rows read and printed a second time (RFC 4180, language rule 14), and random ones."""

import csv
import io
import re

from . import generate, model
from .model import Bad

BLANKS = " \t\n\v\f\r"


# -- reading ---------------------------------------------------------------------------------


def records(data):
    """(line number, bytes without the line end, whether all its quotes are closed) of each record."""
    line, start, first_line, is_open = 1, 0, 1, False
    for at, byte in enumerate(data):
        if byte == ord('"'):
            is_open = not is_open
        elif byte == ord("\n"):
            line += 1
            if not is_open:
                yield first_line, without_cr(data[start:at]), True
                start, first_line = at + 1, line
    if start < len(data):
        yield first_line, without_cr(data[start:]), not is_open


def without_cr(record):
    return record[:-1] if record.endswith(b"\r") else record


def fields_of(record, delimiter):
    """[(text, whether it is quoted)] of a record."""
    try:
        text = record.decode("utf-8")
    except UnicodeDecodeError:
        raise Bad("UTF-8")
    fields, at = [], 0
    while True:
        if text[at : at + 1] == '"':
            m = re.compile(r'"((?:[^"]|"")*)"', re.DOTALL).match(text, at)
            if not m:
                raise Bad("open quote")
            fields.append((m.group(1).replace('""', '"'), True))
            at = m.end()
        else:
            end = text.find(delimiter, at)
            end = len(text) if end < 0 else end
            if '"' in text[at:end]:
                raise Bad("stray quote")
            fields.append((text[at:end], False))
            at = end
        if at == len(text):
            return fields
        if text[at] != delimiter:
            raise Bad("text behind a quote")
        at += 1


def convert(t, text, unit):
    if t == "string":
        return text
    if t == "int":
        if not re.fullmatch(r"[+-]?[0-9]+", text.strip(BLANKS)):
            raise Bad("int")
        return model.to_int(int(text.strip(BLANKS)))
    if t == "float":
        if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text.strip(BLANKS)):
            raise Bad("float")
        return model.to_float(float(text.strip(BLANKS)))
    if t[0] == "decimal":
        if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text.strip(BLANKS)):
            raise Bad("decimal")
        return model.decimal_units(text.strip(BLANKS), t[1])
    if t == "bool":
        if text.strip(BLANKS) not in ("true", "false"):
            raise Bad("bool")
        return text.strip(BLANKS) == "true"
    if t == "timestamp" and unit:
        return model.to_value(t, convert("int", text, None), unit)
    if t[0] == "enum":
        return model.to_enum(t, text)
    return model.to_value(t, text)


def read(t, header, record, is_closed, delimiter):
    """The row as a dict, or Bad. `header`: the name of each column."""
    if not is_closed:
        raise Bad("open quote")
    found = fields_of(record, delimiter)
    if len(found) > len(header):
        raise Bad("too many fields")
    out, by_name = {}, {}
    for name, field in zip(header, found):
        by_name.setdefault(name, field)
    for name, field_type, options in t[2]:
        is_optional = field_type[0] == "opt"
        if options.get("from", name) not in by_name:
            if not is_optional:
                raise Bad("missing")
            out[name] = None
            continue
        text, is_quoted = by_name[options.get("from", name)]
        if is_optional and text == "" and not is_quoted:
            out[name] = None
        else:
            out[name] = convert(field_type[1] if is_optional else field_type, text, options.get("unit"))
    return out


# -- printing --------------------------------------------------------------------------------


def plain_text(t, value):
    """The text of a field before quotes."""
    if t[0] == "opt":
        return "" if value is None else plain_text(t[1], value)
    text = value if t == "string" else model.text_of(t, value)
    return text[1:-1] if t != "string" and text.startswith('"') else text


def field_text(t, value, delimiter, is_only):
    if t[0] == "opt":
        return "" if value is None else field_text(t[1], value, delimiter, True)
    if t == "string":
        needs_quotes = any(c in value for c in delimiter + '"\r\n') or value[:1] in (" ", "\t") or value[-1:] in (" ", "\t")
        if value == "":
            needs_quotes = is_only
        return '"' + value.replace('"', '""') + '"' if needs_quotes else value
    if t == "bytes" and value == b"":
        return '""' if is_only else ""
    return plain_text(t, value)


def text_of(t, row, delimiter):
    return delimiter.join(field_text(f, row[n], delimiter, len(t[2]) == 1) for n, f, _ in t[2])


def python_reads_all(text, delimiter):
    """What Python's csv makes of printed rows."""
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


# -- random rows -----------------------------------------------------------------------------

TEXTS = generate.TEXTS + ["a,b", "a;b", "line\nbreak", "cr\r\nlf", '"', '""', 'say "hi"', " blank", "blank ", ",", "\n", "\t"]


def spell_text(rng, text, delimiter, badness):
    must = any(c in text for c in delimiter + '"\r\n')
    if must or rng.random() < 0.2:
        return '"' + text.replace('"', '""') + '"'
    return text


def spell_field(rng, t, unit, delimiter, badness):
    if t[0] == "opt":
        return rng.choice(["", "", '""']) if rng.random() < 0.4 else spell_field(rng, t[1], unit, delimiter, badness)
    if t == "string":
        return spell_text(rng, rng.choice(TEXTS), delimiter, badness)
    if rng.random() < badness:
        return rng.choice(["", '""', "x", "null", '"x"y', 'x"y"', '"', "1 2", "TRUE", "-", "1e999", "+-1", "0x1", "order ", "1_000"])
    if t == "int":
        text = generate.some(rng, [str(rng.choice(generate.INTS)), "+7", "007", " 12 ", "\t3"], generate.BAD_INTS, badness)
    elif t == "float":
        text = generate.some(rng, generate.FLOATS + [".5", "5.", " 1.5 "], generate.BAD_FLOATS, badness)
    elif t[0] == "decimal":
        text = generate.some(rng, [generate.spell(rng, t, 0), ".5", "5.", " 1.5 ", "+7.0", "007"], generate.BAD_DECIMALS, badness)
    elif t == "bool":
        text = rng.choice(["true", "false"])
    elif t == "timestamp":
        us = rng.choice([10**13, 10**17, 10**18])
        text = str(rng.randrange(-us // 10, us) // unit) if unit else generate.some(rng, generate.TIMES, generate.BAD_TIMES, badness)
    elif t == "duration":
        text = generate.some(rng, generate.DURATIONS, generate.BAD_DURATIONS, badness)
    elif t == "bytes":
        text = generate.some(rng, generate.BASE64, generate.BAD_BASE64, badness)
    else:
        text = rng.choice(t[2])[0]
    return spell_text(rng, text, delimiter, badness)


def header_of(rng, t, others=None):
    """The columns in some order, with another one between them; or in the order of declaration, with
    `others` behind them."""
    names = [options.get("from", name) for name, _, options in t[2]]
    if others is not None:
        return names + others
    rng.shuffle(names)
    names.insert(rng.randrange(len(names) + 1), "other")
    return names


def data(rng, t, header, delimiter, count):
    by_name = {options.get("from", name): (f, options) for name, f, options in t[2]}
    out = b""
    for _ in range(count):
        badness = rng.choice([0, 0, 0, 0.02, 0.1])
        row = []
        for name in header:
            f, options = by_name.get(name, ("string", {}))
            row.append(spell_field(rng, f, options.get("unit"), delimiter, badness))
        if rng.random() < badness:
            row.append("one more")
        if rng.random() < badness:
            row = row[: rng.randrange(1, len(row) + 1)]
        line = delimiter.join(row).encode("utf-8")
        if rng.random() < 0.1:
            line = generate.damage(rng, line)
        out += line + rng.choice([b"\n", b"\n", b"\r\n", b"\n\n"])
    return out
