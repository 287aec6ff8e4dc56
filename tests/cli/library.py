"""Functions of the standard library and built-in ones over times, texts and lists, beside Python's."""

import calendar
import datetime
import json
import math
import random
import re
import statistics
import urllib.parse

from harness.base import check_equal

UTC = datetime.timezone.utc
FORMATS = ["%Y-%m-%d %H:%M:%S.%f", "%d.%m.%Y", "%a, %d %b %Y %T %z", "%A %B %j %u", "%F|%T|100%%"]


READ = """fn read(text: string, format: string) -> timestamp? {
  let never = @0001-01-01T00:00:00Z
  let time = parse_time(text, format) ?? never
  return if time == never then none else time
}
"""


def play(box, record, body, rows):
    """What the fields of `body` are for each row, as a list of objects."""
    box.write("x.flow", READ + f'record Row {{ {record} }}\nsource rows: Row = file("rows.jsonl", jsonl)\n'
                        f"rows |> map {{\n{body}\n}} |> into stdout\n")
    box.write("rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    box.run(box.tools.flowcc, "x.flow")
    return [json.loads(line) for line in box.run("./x").out.decode().splitlines()]


def compare(rows, got, expect):
    check_equal("\n".join(json.dumps({"of": row, **expect(row)}, sort_keys=True) for row in rows),
                "\n".join(json.dumps({"of": row, **g}, sort_keys=True) for row, g in zip(rows, got)), "results")


def iso(time):
    text = time.strftime("%Y-%m-%dT%H:%M:%S").zfill(19)
    us = time.microsecond
    return text + (f".{us:06}" if us % 1000 else f".{us // 1000:03}" if us else "") + "Z"


def times(count):
    rng = random.Random(5)
    first, last = datetime.datetime(1000, 1, 1, tzinfo=UTC), datetime.datetime(9990, 1, 1, tzinfo=UTC)
    span = (last - first) // datetime.timedelta(microseconds=1)
    edges = [datetime.datetime(y, m, d, h, tzinfo=UTC) for y in (1600, 1900, 1969, 1970, 2000, 2023, 2024, 2100)
             for m, d in ((1, 1), (2, 28), (3, 1), (12, 31), (1, 31), (10, 31)) for h in (0, 23)]
    return edges + [first + datetime.timedelta(microseconds=rng.randrange(span)) for _ in range(count)]


def floor_to(time, **parts):
    return iso(time.replace(**{"hour": 0, "minute": 0, "second": 0, "microsecond": 0, **parts}))


def add_months(time, months):
    number = time.year * 12 + time.month - 1 + months
    year, month = number // 12, number % 12 + 1
    return time.replace(year=year, month=month, day=min(time.day, calendar.monthrange(year, month)[1]))


def test_times(box):
    all_times = times(600)
    rows = [{"at": iso(t), "n": (i * 7) % 50 - 20} for i, t in enumerate(all_times)]
    by_text = dict(zip((r["at"] for r in rows), all_times))
    names = ["year", "month", "day", "hour", "minute", "second", "weekday", "day_of_year", "start_of_week",
             "start_of_month", "start_of_year", "days_in_month", "is_leap_year", "epoch_us", "epoch_ms", "epoch_s"]
    body = "\n".join(f"{name}: {name}(at)" for name in names)
    body += "\nhours: truncate(at, 1h)\nback: from_epoch_us(epoch_us(at))\nmonths: add_months(at, n)\n"
    body += "made: date(year(at), month(at), day(at))\n"
    body += "\n".join(f'f{i}: format_time(at, "{f}")' for i, f in enumerate(FORMATS))

    def expect(row):
        t = by_text[row["at"]]
        us = (t - datetime.datetime(1970, 1, 1, tzinfo=UTC)) // datetime.timedelta(microseconds=1)
        days = calendar.monthrange(t.year, t.month)[1]
        return {"year": t.year, "month": t.month, "day": t.day, "hour": t.hour, "minute": t.minute,
                "second": t.second, "weekday": t.isoweekday(), "day_of_year": t.timetuple().tm_yday,
                "start_of_week": floor_to(t - datetime.timedelta(days=t.weekday())),
                "start_of_month": floor_to(t, day=1), "start_of_year": floor_to(t, month=1, day=1),
                "days_in_month": days, "is_leap_year": calendar.isleap(t.year), "epoch_us": us,
                "epoch_ms": us // 1000, "epoch_s": us // 1_000_000, "hours": floor_to(t, hour=t.hour),
                "back": row["at"], "months": iso(add_months(t, row["n"])), "made": floor_to(t),
                **{f"f{i}": t.strftime(f) for i, f in enumerate(FORMATS)}}

    compare(rows, play(box, "at: timestamp, n: int", body, rows), expect)


def test_times_of_a_format(box):
    rng = random.Random(6)
    rows = []
    for t in times(200):
        f = rng.choice(FORMATS[:3])
        text = t.strftime(f)
        if rng.random() < 0.3:
            place = rng.randrange(len(text))
            text = text[:place] + rng.choice("0x-9") + text[place + 1:]
        rows.append({"text": text, "format": f})

    def expect(row):
        try:
            t = datetime.datetime.strptime(row["text"], row["format"].replace("%T", "%H:%M:%S"))
        except ValueError:
            return {"at": None}
        at = iso(t.replace(tzinfo=t.tzinfo or UTC).astimezone(UTC))
        return {"at": at}

    got = play(box, "text: string, format: string", "at: read(text, format)", rows)
    compare(rows, got, expect)


ALPHABET = "ab%_é 𝄞/+\\"


def like(text, pattern):
    """As SQL says, by way of a regular expression."""
    out, i = "", 0
    while i < len(pattern):
        c = pattern[i]
        if c == "\\" and i + 1 < len(pattern):
            i += 1
            out += re.escape(pattern[i])
        else:
            out += ".*" if c == "%" else "." if c == "_" else re.escape(c)
        i += 1
    return re.fullmatch(out, text, re.S) is not None


def test_texts(box):
    rng = random.Random(7)
    rows = [{"s": "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(12))),
             "p": "".join(rng.choice(ALPHABET) for _ in range(rng.randrange(6))),
             "n": rng.randrange(-2, 14)} for _ in range(2000)]
    body = """like: like(s, p), reverse: reverse(s), place: index_of(s, p), chars: chars(s)
url: url_encode(s), back: url_decode(url_encode(s)) ?? "wrong", left: pad_left(s, n, "éx"), right: pad_right(s, n)
start: trim_start(s), end: trim_end(s), at: char_at(s, n), often: repeat(s, n)"""

    def expect(row):
        s, p, n = row["s"], row["p"], row["n"]
        room = max(0, n - len(s))
        return {"like": like(s, p), "reverse": s[::-1], "place": s.find(p) if p in s else None, "chars": list(s),
                "url": urllib.parse.quote(s, safe="-._~"), "back": s, "left": ("éx" * room)[:room] + s,
                "right": s.ljust(n), "start": s.lstrip(), "end": s.rstrip(),
                "at": s[n] if 0 <= n < len(s) else None, "often": s * n}

    compare(rows, play(box, "s: string, p: string, n: int", body, rows), expect)


def test_lists_of_numbers(box):
    rng = random.Random(8)
    rows = [{"xs": [rng.randrange(-64, 64) / 4 for _ in range(rng.randrange(9))], "p": rng.randrange(101), "ns": [rng.randrange(4) for _ in range(6)],
              "a": rng.randrange(-100, 100), "b": rng.randrange(-100, 100)} for _ in range(400)]
    body = """median: median(xs), percentile: (percentile(xs, float(p)) ?? 999.0) * 1.0, distinct: distinct(ns)
variance: variance(xs), stddev: stddev(xs), gcd: gcd(a, b), lcm: lcm(a, b), clamped: clamp(a, -50, 50)"""

    def percentile(xs, p):
        if not xs:
            return 999.0
        xs, place = sorted(xs), p / 100 * (len(xs) - 1)
        low = math.floor(place)
        return xs[low] + (xs[min(low + 1, len(xs) - 1)] - xs[low]) * (place - low)

    def expect(row):
        xs = row["xs"]
        return {"median": statistics.median(xs) if xs else None, "percentile": percentile(xs, row["p"]),
                "distinct": list(dict.fromkeys(row["ns"])), "variance": statistics.variance(xs) if len(xs) > 1 else None,
                "stddev": statistics.stdev(xs) if len(xs) > 1 else None, "gcd": math.gcd(row["a"], row["b"]),
                "lcm": math.lcm(row["a"], row["b"]), "clamped": max(-50, min(row["a"], 50))}

    got = play(box, "xs: list[float], ns: list[int], p: int, a: int, b: int", body, rows)
    for g, row in zip(got, rows):
        wanted = expect(row)
        for name in ("variance", "stddev", "percentile"):
            if g[name] is not None and wanted[name] is not None and math.isclose(g[name], wanted[name], abs_tol=1e-12):
                g[name] = wanted[name]
    compare(rows, got, expect)


def test_functions_of_floats(box):
    rng = random.Random(9)
    rows = [{"x": rng.uniform(-3, 3), "y": rng.uniform(-3, 3)} for _ in range(500)] + [{"x": 0.0, "y": -1.0}]
    names = ["sin", "cos", "tan", "atan", "exp"]
    partial = {"log": math.log, "log2": math.log2, "log10": math.log10, "asin": math.asin, "acos": math.acos}
    body = "\n".join(f"{n}: {n}(x)" for n in names) + "\natan2: atan2(y, x), pow: pow(x, y) ?? -99.0\n" + \
           "\n".join(f"{n}: {n}(x) ?? -99.0" for n in partial)

    def value(function, *args):
        try:
            result = function(*args)
            return -99.0 if isinstance(result, complex) else result
        except (ValueError, ZeroDivisionError, OverflowError):
            return -99.0

    def expect(row):
        x, y = row["x"], row["y"]
        return {**{n: getattr(math, n)(x) for n in names}, "atan2": math.atan2(y, x), "pow": value(math.pow, x, y),
                **{n: value(f, x) for n, f in partial.items()}}

    compare(rows, play(box, "x: float, y: float", body, rows), expect)
