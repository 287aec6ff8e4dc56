"""A second implementation of how records are read and printed, on Python's own json, for the oracle tests.

A type is a string ("int", "float", "bool", "string", "bytes", "json", "timestamp", "duration") or a tuple:
("decimal", scale), ("opt", T), ("list", T), ("set", T), ("map", K, V), ("enum", name, variants), ("tagged", name, variants, tag) or
("record", name, fields) with fields of (name, type, options); options may hold "from" and "unit".
"""

import base64
import datetime
import decimal
import json
import re


class Bad(Exception):
    """The record is refused."""


class Pairs(list):
    """A JSON object with all its members, repeated keys too."""


class Float(float):
    """A number with a fraction or an exponent, and how it is written."""

    def __new__(cls, text):
        self = super().__new__(cls, text)
        self.text = text
        return self


class MinusZero(int):
    """`-0`: an int of value 0, and the float -0.0."""


INT_MIN, INT_MAX = -(2**63), 2**63 - 1
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
TIME_MIN, TIME_MAX = -62135596800000000, 253402300799999999
UNITS = [("d", 86400 * 10**6), ("h", 3600 * 10**6), ("m", 60 * 10**6), ("s", 10**6), ("ms", 1000), ("us", 1)]


# -- reading ---------------------------------------------------------------------------------


def refuse_constant(name):
    raise Bad(name)


def parse_int(text):
    return MinusZero() if text == "-0" else int(text)


def check_strings(value):
    """Escapes may not spell half of a surrogate pair, in whatever place."""
    if isinstance(value, str):
        if any(0xD800 <= ord(c) < 0xE000 for c in value):
            raise Bad("surrogate")
    elif isinstance(value, Pairs):
        for key, member in value:
            check_strings(key)
            check_strings(member)
    elif isinstance(value, list):
        for member in value:
            check_strings(member)


def parse_json(line):
    """The value of one line (bytes), or Bad."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise Bad("UTF-8")
    text = text.strip(" \t\r")
    try:
        value = json.loads(text, object_pairs_hook=Pairs, parse_constant=refuse_constant, parse_int=parse_int,
                           parse_float=Float)
    except (ValueError, RecursionError):
        raise Bad("syntax")
    check_strings(value)
    return value


def parse_timestamp(text):
    m = re.fullmatch(
        r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", text, re.ASCII
    )
    if not m:
        raise Bad("timestamp")
    try:
        when = datetime.datetime(*map(int, m.group(1, 2, 3, 4, 5, 6)), tzinfo=datetime.timezone.utc)
    except ValueError:
        raise Bad("date")
    us = (when - EPOCH) // datetime.timedelta(microseconds=1)
    us += int(((m.group(7) or "") + "000000")[:6])
    if m.group(8):
        hours, minutes = int(m.group(9)), int(m.group(10))
        if hours > 23 or minutes > 59:
            raise Bad("zone")
        shift = (hours * 60 + minutes) * 60 * 10**6
        us += -shift if m.group(8) == "+" else shift
    if not TIME_MIN <= us <= TIME_MAX:
        raise Bad("year")
    return us


def parse_duration(text):
    m = re.fullmatch(r"(-?)" + "".join(rf"(?:(\d+){unit})?" for unit, _ in UNITS), text, re.ASCII)
    if not m or not any(m.groups()[1:]):
        raise Bad("duration")
    us = sum(int(n) * size for n, (_, size) in zip(m.groups()[1:], UNITS) if n)
    us = -us if m.group(1) else us
    if not INT_MIN <= us <= INT_MAX:
        raise Bad("duration range")
    return us


def to_int(value):
    if not isinstance(value, int) or isinstance(value, bool) or not INT_MIN <= value <= INT_MAX:
        raise Bad("int")
    return int(value)


def to_float(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Bad("float")
    if isinstance(value, MinusZero):
        return -0.0
    try:
        number = float(value)
    except OverflowError:
        raise Bad("float range")
    if number in (float("inf"), float("-inf")):
        raise Bad("float range")
    return number


def decimal_units(text, scale):
    """The number as a count of units of 10^-scale, exactly."""
    sign, digits, exponent = decimal.Decimal(text).as_tuple()
    shift = exponent + scale
    units = int("".join(map(str, digits)))
    if units == 0:
        return 0
    if shift < -len(digits):
        raise Bad("too fine")
    if shift > 30:
        raise Bad("decimal range")
    units, rest = (units * 10**shift, 0) if shift >= 0 else divmod(units, 10**-shift)
    if rest != 0:
        raise Bad("too fine")
    units = -units if sign else units
    if not INT_MIN <= units <= INT_MAX:
        raise Bad("decimal range")
    return units


def to_decimal(t, value):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Bad("decimal")
    return decimal_units(value.text if isinstance(value, Float) else str(int(value)), t[1])


def to_string(value):
    if not isinstance(value, str):
        raise Bad("string")
    return value


def variant(t, text):
    for name, payload in t[2]:
        if name == text:
            return name, payload
    raise Bad("variant")


def to_enum(t, value):
    if isinstance(value, str):
        name, payload = variant(t, value)
        if payload is not None:
            raise Bad("fields missing")
        return (name, None)
    if not isinstance(value, Pairs) or len(value) != 1:
        raise Bad("enum")
    name, payload = variant(t, value[0][0])
    if payload is None:
        raise Bad("no fields")
    return (name, to_value(("record", None, payload), value[0][1]))


def to_tagged(t, value):
    """The first tag counts; the fields are those of a record that does not declare it."""
    if not isinstance(value, Pairs):
        raise Bad("object")
    tags = [member for key, member in value if key == t[3]]
    if not tags:
        raise Bad("no tag")
    name, payload = variant(t, to_string(tags[0]))
    return (name, None if payload is None else to_record(("record", None, payload), value))


def to_bytes(text):
    if not re.fullmatch("([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text):
        raise Bad("base64")
    value = base64.b64decode(text)
    if base64.b64encode(value).decode() != text:
        raise Bad("bits behind the last byte")
    return value


def to_record(t, value):
    if not isinstance(value, Pairs):
        raise Bad("object")
    out = {}
    for name, field_type, options in t[2]:
        key = options.get("from", name)
        members = [member for k, member in value if k == key]
        for member in members:  # each is read; the last one counts
            out[name] = to_value(field_type, member, options.get("unit"))
        if members:
            continue
        if "default" in options:
            out[name] = options["default"]
        elif field_type[0] == "opt":
            out[name] = None
        else:
            raise Bad("missing " + name)
    return out


def freeze(value):
    """A key that Python can hash."""
    if isinstance(value, dict):
        return tuple((k, freeze(v)) for k, v in value.items())
    return value


def to_map(t, value):
    out = {}
    if t[1] in ("string", "int") or t[1][0] == "enum":
        if not isinstance(value, Pairs):
            raise Bad("object")
        for key, member in value:
            if t[1] == "int":
                if not re.fullmatch(r"[ \t\r\n\v\f]*[+-]?[0-9]+[ \t\r\n\v\f]*", key):
                    raise Bad("int key")
                key = to_int(int(key))
            elif t[1] != "string":
                key = to_enum(t[1], key)
            out[key] = (key, to_value(t[2], member))
        return list(out.values())
    if not isinstance(value, list) or isinstance(value, Pairs):
        raise Bad("list of pairs")
    for pair in value:
        if not isinstance(pair, list) or isinstance(pair, Pairs) or len(pair) != 2:
            raise Bad("pair")
        key, member = to_value(t[1], pair[0]), to_value(t[2], pair[1])
        frozen = freeze(key)
        out[frozen] = (out.get(frozen, (key,))[0], member)
    return list(out.values())


def to_value(t, value, unit=None):
    if t == "int":
        return to_int(value)
    if t == "float":
        return to_float(value)
    if t == "bool":
        if not isinstance(value, bool):
            raise Bad("bool")
        return value
    if t == "string":
        return to_string(value)
    if t == "bytes":
        return to_bytes(to_string(value))
    if t == "timestamp":
        if unit is None:
            return parse_timestamp(to_string(value))
        us = to_int(value) * unit
        if not TIME_MIN <= us <= TIME_MAX:
            raise Bad("year")
        return us
    if t == "duration":
        return parse_duration(to_string(value))
    if t == "json":
        return value
    if t[0] == "decimal":
        return to_decimal(t, value)
    if t[0] == "opt":
        return None if value is None else to_value(t[1], value, unit)
    if t[0] == "record":
        return to_record(t, value)
    if t[0] == "enum":
        return to_enum(t, value)
    if t[0] == "tagged":
        return to_tagged(t, value)
    if t[0] == "map":
        return to_map(t, value)
    if not isinstance(value, list) or isinstance(value, Pairs):
        raise Bad("list")
    items = [to_value(t[1], member) for member in value]
    return items if t[0] == "list" else list({freeze(i): i for i in items}.values())


def read(t, line):
    return to_value(t, parse_json(line))


# -- printing (language rule 12) -------------------------------------------------------------


def timestamp_text(us):
    when = EPOCH + datetime.timedelta(microseconds=us)
    base = "%04d-%02d-%02dT%02d:%02d:%02d" % (when.year, when.month, when.day, when.hour, when.minute, when.second)
    fraction = "" if us % 10**6 == 0 else ".%03d" % (us // 1000 % 1000) if us % 1000 == 0 else ".%06d" % (us % 10**6)
    return base + fraction + "Z"


def duration_text(us):
    if us == 0:
        return "0s"
    rest, out = abs(us), "-" if us < 0 else ""
    for unit, size in UNITS:
        if rest >= size:
            out += "%d%s" % (rest // size, unit)
            rest %= size
    return out


def string_text(text):
    return json.dumps(text, ensure_ascii=False)


def decimal_text(units, scale):
    digits = str(abs(units)).rjust(scale + 1, "0")
    return ("-" if units < 0 else "") + digits[: len(digits) - scale] + ("." + digits[-scale:] if scale else "")


def json_text(value):
    """JSON as it was read, but for blanks and escapes."""
    if isinstance(value, Pairs):
        return "{" + ", ".join(string_text(k) + ": " + json_text(v) for k, v in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(json_text(v) for v in value) + "]"
    if isinstance(value, str):
        return string_text(value)
    if isinstance(value, Float):
        return value.text
    if isinstance(value, MinusZero):
        return "-0"
    return {None: "null", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else str(value)


def text_of(t, value):
    if t == "bool":
        return "true" if value else "false"
    if t in ("int", "float"):
        return repr(value)
    if t == "string":
        return string_text(value)
    if t == "bytes":
        return '"' + base64.b64encode(value).decode() + '"'
    if t == "timestamp":
        return '"' + timestamp_text(value) + '"'
    if t == "duration":
        return '"' + duration_text(value) + '"'
    if t == "json":
        return json_text(value)
    if t[0] == "decimal":
        return decimal_text(value, t[1])
    if t[0] == "opt":
        return "null" if value is None else text_of(t[1], value)
    if t[0] in ("list", "set"):
        return "[" + ", ".join(text_of(t[1], v) for v in value) + "]"
    if t[0] == "record":
        return "{" + ", ".join(string_text(n) + ": " + text_of(f, value[n]) for n, f, _ in t[2]) + "}"
    if t[0] == "enum":
        name, payload = value
        fields = dict(t[2])[name]
        if fields is None:
            return string_text(name)
        return "{" + string_text(name) + ": " + text_of(("record", None, fields), payload) + "}"
    if t[0] == "tagged":
        name, payload = value
        members = [string_text(t[3]) + ": " + string_text(name)]
        members += [string_text(n) + ": " + text_of(f, payload[n]) for n, f, _ in dict(t[2])[name] or ()]
        return "{" + ", ".join(members) + "}"
    if t[1] == "string":
        return "{" + ", ".join(string_text(k) + ": " + text_of(t[2], v) for k, v in value) + "}"
    if t[1] == "int":
        return "{" + ", ".join('"%d": ' % k + text_of(t[2], v) for k, v in value) + "}"
    if t[1][0] == "enum":
        return "{" + ", ".join(text_of(t[1], k) + ": " + text_of(t[2], v) for k, v in value) + "}"
    return "[" + ", ".join("[" + text_of(t[1], k) + ", " + text_of(t[2], v) + "]" for k, v in value) + "]"
