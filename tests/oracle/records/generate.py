"""Random JSON for a type of model.py: mostly right, in every spelling that JSON allows, then damaged."""

import json

INTS = [0, -0, 1, 7, -1, 42, 10**9, -(10**12), 2**53, 2**63 - 1, -(2**63)]
BAD_INTS = ["9223372036854775808", "-9223372036854775809", "01", "-", "+1", "1.0", "1e2", "1E400", "0x10", "--1", "99999999999999999999999"]
FLOATS = ["0.0", "-0.0", "1.5", "-2.25", "1e5", "1E-7", "1e16", "123456789.123456789", "5e-324", "2.2250738585072014e-308",
          "1.7976931348623157e308", "0.1", "0.30000000000000004", "9007199254740993", "1e22", "1e23", "12345678901234567890", "3", "-7"]
BAD_FLOATS = ["1e400", "-1e999", "NaN", "Infinity", "-Infinity", ".5", "5.", "1e", "1e+", "00.1", "1.e3", "0e"]
DECIMALS = ["0", "-0", "0.5", "1.50", "-2.25", "10", "-7", "99.99", "0.010", "123456789012345", "1234567890.12", "3.1400000", "1e2", "1.5E1",
            "25e-1", "0e99999999999", "0.000e-400", "9.223372036854775807", "-9.223372036854775808", "92233720368547758.07", "1e0",
            "100000000000000000000e-20", "0." + "0" * 300, "1." + "0" * 400]
BAD_DECIMALS = ["1e400", "1e-400", "0." + "0" * 30 + "1", "9223372036854775808", "-9223372036854775809", "1e19", "12345678901234567890123", ".5",
                "5.", "1e", "01.5", "--1", "+1", "NaN", "1.5.0", "1_000", "0.1234567890123456789"]
TEXTS = ["", "a", "user", "exactly12byt", "thirteen bytes", "quote\" and \\ slash", "tab\tnew\nline\rreturn", "\x00\x01\x1f\x7f",
         "é", "日本語テキスト", "😀😀", "\u2028\u2029", "/slash/", "x" * 300, "sixteen bytes !!", "\ufeff", "\U0010ffff", "a" * 15 + '"', "\\" * 20]
TIMES = ["2024-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "2024-02-29t12:30:00.25+01:00", "0001-01-01T00:00:00Z",
         "9999-12-31T23:59:59.999999Z", "2015-07-15 00:00:00.1234567Z", "2024-01-01T00:00:00-23:59"]
BAD_TIMES = ["2023-02-29T00:00:00Z", "2024-01-01", "2024-01-01T00:00:00", "2024-01-01T24:00:00Z", "2024-13-01T00:00:00Z",
             "0000-01-01T00:00:00Z", "2024-01-01T00:00:60Z", "9999-12-31T23:59:59-01:00", "2024-1-1T00:00:00Z", "x", "2024-01-01T00:00:00.Z"]
DURATIONS = ["1h30m", "0s", "250ms", "-2d", "1d1h1m1s1ms1us", "90m", "106751991d4h54s775ms807us"]
BAD_DURATIONS = ["", "1", "h", "1m1h", "1s1s", "- 1s", "1.5s", "999999999999d", "1x", "+1s"]
BASE64 = ["", "AA==", "AAA=", "AAAA", "yv4A/w==", "aGVsbG8sIHdvcmxkLCBob3cgYXJlIHlvdT8=", "+/+/", "Zm9v" * 30]
BAD_BASE64 = ["A", "AA", "AAA", "AA=", "AAAA=", "====", "A===", "AB==", "AAB=", "AA==AAAA", "A A=", "AA-=", "AA_=", "AAAA\n", "é==", "AA=A"]
JUNK = ["null", "true", "false", "[]", "{}", "[1, [2, {\"a\": [null]}]]", "\"text\"", "{\"k\": {\"l\": \"\\u00e9\"}}", "-0", "1e400", "0.5",
        "[" * 40 + "]" * 40, "\"\\/\\b\\f\"", "{\"\": 0}", "tru", "nul", "[1,]", "{,}", "{\"a\" 1}", "\"\\x\"", "\"\\ud800\"", "\"\\u12g4\"", "'a'", "", "[", "01", "\"\x01\""]


def spell_string(rng, text):
    """One of the spellings of a string."""
    way = rng.randrange(4)
    if way == 0:
        return json.dumps(text)
    if way == 1:
        return json.dumps(text, ensure_ascii=False)
    out = '"'
    for c in text:
        code = ord(c)
        if c in '"\\':
            out += "\\" + c if rng.random() < 0.7 else "\\u%04x" % code
        elif code < 0x20 or rng.random() < 0.15:
            units = c.encode("utf-16-be")
            for i in range(0, len(units), 2):
                out += ("\\u%04x" if rng.random() < 0.5 else "\\u%04X") % int.from_bytes(units[i : i + 2], "big")
        elif c == "/" and rng.random() < 0.5:
            out += "\\/"
        else:
            out += c
    return out + '"'


def blank(rng):
    return rng.choice(["", "", "", "", " ", " ", "  ", "\t", " \r "])


def some(rng, good, bad, badness):
    return rng.choice(bad) if rng.random() < badness else rng.choice(good)


def spell_members(rng, members):
    out = "{" + blank(rng)
    for i, (key, value) in enumerate(members):
        if i:
            out += "," + rng.choice([" ", "", blank(rng)])
        out += spell_string(rng, key) if rng.random() < 0.1 else json.dumps(key, ensure_ascii=False)
        out += blank(rng) + ":" + rng.choice([" ", " ", "", blank(rng)]) + value + blank(rng)
    return out + "}"


def spell_record(rng, fields, badness):
    return spell_members(rng, members_of(rng, fields, badness))


def spell_tagged(rng, t, badness):
    """The tag is mostly the first member, and now and then another one or missing."""
    name, fields = rng.choice(t[2])
    members = members_of(rng, fields or (), badness)
    at = 0 if rng.random() < 0.7 else rng.randrange(len(members) + 1)
    if rng.random() >= badness:
        members.insert(at, (t[3], some(rng, [json.dumps(name), spell_string(rng, name)], ['"nope"', "null", "5", '""'], badness)))
    if rng.random() < 0.05:
        members.insert(rng.randrange(len(members) + 1), (t[3], rng.choice(["5", json.dumps(t[2][0][0])])))
    return spell_members(rng, members)


def members_of(rng, fields, badness):
    members = []
    for name, field_type, options in fields:
        key = options.get("from", name)
        if (field_type[0] == "opt" or "default" in options) and rng.random() < 0.3:
            continue
        if rng.random() < badness:
            continue
        members.append((key, spell(rng, field_type, badness, options.get("unit"))))
        if rng.random() < 0.02:
            members.append((key, spell(rng, field_type, badness, options.get("unit"))))
    if rng.random() < 0.25:
        rng.shuffle(members)
    while rng.random() < 0.2:
        name = rng.choice(["x", "", "zz top", "unknown_field_with_a_long_name", "é", "i", "order", "user_ix", "type "])
        if any(name == options.get("from", field) for field, _, options in fields):
            continue
        members.insert(rng.randrange(len(members) + 1), (name, some(rng, JUNK[:14], JUNK[14:], badness)))
    return members


def spell_key(rng, t, badness):
    if t == "int":
        return str(rng.choice(INTS))
    if t == "string":
        return rng.choice(TEXTS)
    return rng.choice([name for name, _ in t[2]] + (["nope"] if rng.random() < badness else []))


def spell(rng, t, badness, unit=None):
    """JSON text for a value of the type; wrong in some place with about this probability per leaf."""
    if rng.random() < badness / 2:
        return rng.choice(JUNK)
    if t == "int":
        return some(rng, [str(rng.choice(INTS)), str(rng.randrange(-1000, 100000))], BAD_INTS, badness)
    if t == "float":
        return some(rng, [rng.choice(FLOATS), repr(rng.uniform(-1e6, 1e6)), repr(rng.random() * 10.0 ** rng.randrange(-300, 300))], BAD_FLOATS, badness)
    if t == "json":
        way = rng.randrange(5)
        if way == 0:
            return some(rng, JUNK[:14], JUNK[14:], badness)
        if way == 1:
            return rng.choice([rng.choice(FLOATS), str(rng.choice(INTS)), "1e400", "-0.00"])
        if way == 2:
            return spell_string(rng, rng.choice(TEXTS))
        if way == 3:
            return "[" + blank(rng) + (blank(rng) + "," + blank(rng)).join(spell(rng, t, badness) for _ in range(rng.randrange(3))) + blank(rng) + "]"
        return spell_members(rng, [(rng.choice(TEXTS), spell(rng, t, badness)) for _ in range(rng.randrange(3))])
    if t[0] == "decimal":
        usual = "%.*f" % (rng.randrange(t[1] + 2), rng.uniform(-1, 1) * 10.0 ** rng.randrange(-2, 16))
        return some(rng, [usual, usual, rng.choice(DECIMALS)], BAD_DECIMALS, badness)
    if t == "bool":
        return rng.choice(["true", "false"])
    if t == "string":
        return spell_string(rng, rng.choice(TEXTS))
    if t == "bytes":
        return spell_string(rng, some(rng, BASE64, BAD_BASE64, badness))
    if t == "timestamp" and unit:
        return some(rng, [str(rng.randrange(-(10**12), 10**13)), "0"], ["1" + "0" * 18, "-9" + "0" * 17, "1.5"], badness)
    if t == "timestamp":
        return json.dumps(some(rng, TIMES, BAD_TIMES, badness))
    if t == "duration":
        return json.dumps(some(rng, DURATIONS, BAD_DURATIONS, badness))
    if t[0] == "opt":
        return "null" if rng.random() < 0.3 else spell(rng, t[1], badness, unit)
    if t[0] in ("list", "set"):
        items = [spell(rng, t[1], badness) for _ in range(rng.choice([0, 1, 2, 3, 3, 12]))]
        return "[" + blank(rng) + (blank(rng) + "," + blank(rng)).join(items) + blank(rng) + "]"
    if t[0] == "record":
        return spell_record(rng, t[2], badness)
    if t[0] == "tagged":
        return spell_tagged(rng, t, badness)
    if t[0] == "enum":
        name, fields = rng.choice(t[2])
        if rng.random() < badness:
            return rng.choice(['"nope"', '""', '{"nope": {}}', "{}", '{"circle": {"r": 1}, "dot": 1}', '{"dot": {}}'])
        return json.dumps(name) if fields is None else spell_members(rng, [(name, spell_record(rng, fields, badness))])
    pairs = [(spell_key(rng, t[1], badness) if t[1] in ("int", "string") or t[1][0] == "enum" else spell(rng, t[1], badness),
              spell(rng, t[2], badness)) for _ in range(rng.choice([0, 1, 2, 3, 10]))]
    if t[1] in ("int", "string") or t[1][0] == "enum":
        return spell_members(rng, pairs)
    return "[" + ", ".join("[" + k + "," + blank(rng) + v + "]" for k, v in pairs) + "]"


DAMAGE = [b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b" ", b"\x00", b"\x7f", b"\x80", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
          b"\xc0\x80", b"0", b"9", b"-", b".", b"e", b"n", b"u", b"\t", b"\r", b"\x1f", b"\xef\xbb\xbf", b"//", b"\\u", b"\xf0\x9f\x98"]


def damage(rng, line):
    """The line with a few bytes changed; never a newline."""
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        at = rng.randrange(len(line) + 1)
        way = rng.randrange(4)
        if way == 0:
            line = line[:at] + rng.choice(DAMAGE) + line[at:]
        elif way == 1:
            line = line[:at] + line[at + rng.randrange(1, 4) :]
        elif way == 2:
            line = line[:at] + rng.choice(DAMAGE) + line[at + 1 :]
        else:
            line = line[:at]
    return line


def stretch(rng, fields, others, count):
    """Records whose keys have one order and one spelling, but for a few: what a parser may learn."""
    blanks = [rng.choice(["", "", " ", "  ", "\t"]) for _ in range(4)]
    comma = rng.choice([", ", ",", " , ", ",\t "])
    colon = rng.choice([": ", ":", " : "])
    order = [(options.get("from", name), t, options.get("unit")) for name, t, options in fields]
    order += [(name, None, None) for name in others]
    rng.shuffle(order)
    oddness, badness = rng.choice([0, 0.02, 0.1, 0.5]), rng.choice([0, 0, 0.02])
    out = []
    for _ in range(count):
        members = []
        for key, t, unit in order:
            if rng.random() < oddness / 2:
                continue
            for _ in range(2 if rng.random() < oddness / 4 else 1):
                value = some(rng, JUNK[:14], JUNK[14:], badness) if t is None else spell(rng, t, badness, unit)
                name = spell_string(rng, key) if rng.random() < oddness / 4 else json.dumps(key, ensure_ascii=False)
                members.append(name + (colon if rng.random() >= oddness / 4 else "\t:\r ") + value)
        if rng.random() < oddness:
            rng.shuffle(members)
        text = "{" + blanks[0] + comma.join(members) + blanks[1] + "}" + blanks[2]
        out.append(text.encode("utf-8"))
    return out


def shifting_lines(rng, t, count):
    """Lines of a record in whose midst the order of the keys changes, and the undeclared ones among them."""
    names = ["x", "", "é", "a_key_that_is_too_long_to_be_remembered", "sixteen bytes !!", "quote\"", "twenty-one bytes long"]
    names += [f"other_{n}" for n in range(40)]
    declared = {options.get("from", name) for name, _, options in t[2]}
    names = [name for name in names if name not in declared]
    out = []
    while len(out) < count:
        others = rng.sample(names, rng.choice([0, 0, 1, 2, 5, 20, 40]))
        for line in stretch(rng, t[2], others, rng.choice([1, 2, 5, 20, 60])):
            if rng.random() < 0.1:
                line = damage(rng, line)
            out.append(line.replace(b"\n", b" "))
    return out


def lines(rng, t, count):
    out = []
    for _ in range(count):
        badness = rng.choice([0, 0, 0, 0.02, 0.1])
        line = (blank(rng) + spell(rng, t, badness) + blank(rng)).encode("utf-8")
        if rng.random() < 0.3:
            line = damage(rng, line)
        out.append(line.replace(b"\n", b" "))
    return out
