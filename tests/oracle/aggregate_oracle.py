#!/usr/bin/env python3
"""Every aggregate over random items, against the same computed in Python from its definition: of all items of a key,
running; of windows, where times decide; and of sliding windows, whose panes are merged. Sums of floats must be the
same bits.

    aggregate_oracle.py [FLOWCC [SEED]]      FULL=1 in the environment: many more
"""

import collections
import json
import random
import statistics
import sys
from fractions import Fraction

sys.dont_write_bytecode = True
from records import flows  # noqa: E402

FIELDS = "at: timestamp from \"at\" unit ms, k: int, n: int, m: int?, x: float, y: float?, d: decimal[2], w: duration, s: string, t: string?"

Item = collections.namedtuple("Item", "at k n m x y d w s t")


class Sum:
    """Neumaier's sum."""

    def __init__(self):
        self.sum = self.rest = 0.0

    def add(self, x):
        total = self.sum + x
        self.rest += (self.sum - total) + x if abs(self.sum) >= abs(x) else (x - total) + self.sum
        self.sum = total

    def merge(self, other):
        self.add(other.sum)
        self.rest += other.rest


def float_sum(panes):
    whole = Sum()
    for pane in panes:
        part = Sum()
        for x in pane:
            part.add(x)
        if len(panes) == 1:
            return part.sum + part.rest
        whole.merge(part)
    return whole.sum + whole.rest


def even(value):
    """The nearest int, halves to even."""
    return round(Fraction(value))


def duration(us):
    """As the language prints it."""
    if us == 0:
        return "0s"
    text, rest = "-" if us < 0 else "", abs(us)
    for unit, size in (("d", 86400 * 10**6), ("h", 3600 * 10**6), ("m", 60 * 10**6), ("s", 10**6), ("ms", 1000), ("us", 1)):
        count, rest = divmod(rest, size)
        if count:
            text += f"{count}{unit}"
    return text


def cents(value):
    return f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02}"


class Near:
    """A float that is right within a relative error."""

    def __init__(self, value, error):
        self.value, self.error = value, error

    def fits(self, text):
        return text is not None and abs(Fraction(text) - Fraction(self.value)) <= abs(Fraction(self.value)) * Fraction(self.error)

    def __repr__(self):
        return f"{float(self.value)!r} within {self.error}"


def quantile(values, part):
    ordered = sorted(values)
    # The language takes a little less, so that 0.55 of 100 values is the 55th.
    rank = -int(-(Fraction(part) * len(ordered) * (1 - Fraction(1, 2**50))) // 1)
    return Near(ordered[max(rank, 1) - 1], Fraction(1, 256))


def best(items, by, value, sign):
    """Of equal ones the first."""
    return value(max(items, key=lambda i: sign * by(i))) if items else None


def every(items, by, value, sign):
    most = max((sign * by(i) for i in items), default=None)
    return [value(i) for i in items if sign * by(i) == most]


def top(items, count, by, value):
    return [value(i) for i in sorted(items, key=lambda i: -by(i))[:count]]


def deviation(values):
    if len(values) < 2:
        return None
    exact = statistics.pvariance([Fraction(v) for v in values]) * len(values) / (len(values) - 1)
    scale = max(abs(Fraction(v)) for v in values)
    if exact == 0 or exact < scale**2 / 10**12:
        return ...  # cancelled: whatever it is
    return Near(Fraction(float(exact) ** 0.5), Fraction(1, 10**6))


AGGREGATES = [
    # expression, of the items in their order and of the panes in input order: the JSON, numbers with a point as text
    ("count()", lambda items, panes: len(items)),
    ("count(m)", lambda items, panes: sum(i.m is not None for i in items)),
    ("count() where n > 0", lambda items, panes: sum(i.n > 0 for i in items)),
    ("sum(n)", lambda items, panes: sum(i.n for i in items)),
    ("sum(m)", lambda items, panes: sum(i.m or 0 for i in items)),
    ("sum(n * 2) where s != \"a\"", lambda items, panes: sum(2 * i.n for i in items if i.s != "a")),
    ("sum(x)", lambda items, panes: repr(float_sum([[i.x for i in p] for p in panes]))),
    ("sum(y)", lambda items, panes: repr(float_sum([[i.y for i in p if i.y is not None] for p in panes]))),
    ("sum(d)", lambda items, panes: cents(sum(i.d for i in items))),
    ("sum(w)", lambda items, panes: duration(sum(i.w for i in items))),
    ("avg(n)", lambda items, panes: repr(float(Fraction(sum(i.n for i in items), len(items))))),
    ("avg(m)", lambda items, panes: mean([i.m for i in items if i.m is not None])),
    ("avg(x)", lambda items, panes: repr(float_sum([[i.x for i in p] for p in panes]) / len(items))),
    ("avg(d)", lambda items, panes: cents(even(Fraction(sum(i.d for i in items), len(items))))),
    ("avg(w)", lambda items, panes: duration(even(Fraction(sum(i.w for i in items), len(items))))),
    ("min(n)", lambda items, panes: min(i.n for i in items)),
    ("max(x)", lambda items, panes: repr(max(i.x for i in items))),
    ("max(m)", lambda items, panes: max((i.m for i in items if i.m is not None), default=None)),
    ("min(s)", lambda items, panes: min(i.s for i in items)),
    ("max(t)", lambda items, panes: max((i.t for i in items if i.t is not None), default=None)),
    ("max(n) - min(n)", lambda items, panes: max(i.n for i in items) - min(i.n for i in items)),
    ("stddev(x)", lambda items, panes: deviation([i.x for i in items])),
    ("stddev(n)", lambda items, panes: deviation([i.n for i in items])),
    ("quantile(n, 0.5)", lambda items, panes: quantile([i.n for i in items], 0.5)),
    ("quantile(n, 0.95)", lambda items, panes: quantile([i.n for i in items], 0.95)),
    ("quantile(x, 0)", lambda items, panes: quantile([i.x for i in items], 0)),
    ("quantile(w, 0.3)", lambda items, panes: ...),
    ("first(s)", lambda items, panes: items[0].s),
    ("last(n)", lambda items, panes: items[-1].n),
    ("first(t)", lambda items, panes: next((i.t for i in items if i.t is not None), None)),
    ("last(m)", lambda items, panes: next((i.m for i in reversed(items) if i.m is not None), None)),
    ("first(n) where n > 5", lambda items, panes: next((i.n for i in items if i.n > 5), None)),
    ("max_by(n % 3, s)", lambda items, panes: best(items, lambda i: rest(i.n), lambda i: i.s, 1)),
    ("min_by(len(s), n)", lambda items, panes: best(items, lambda i: len(i.s), lambda i: i.n, -1)),
    ("max_by(m, t)", lambda items, panes: best([i for i in items if i.m is not None], lambda i: i.m, lambda i: i.t, 1)),
    ("all_max_by(n % 3, n)", lambda items, panes: every(items, lambda i: rest(i.n), lambda i: i.n, 1)),
    ("all_min_by(len(s), s)", lambda items, panes: every(items, lambda i: len(i.s), lambda i: i.s, -1)),
    ("top(3, n)", lambda items, panes: sorted((i.n for i in items), reverse=True)[:3]),
    ("top(2, n % 3, n)", lambda items, panes: top(items, 2, lambda i: rest(i.n), lambda i: i.n)),
    ("distinct(s)", lambda items, panes: len({i.s for i in items})),
    ("distinct({ s, m })", lambda items, panes: len({(i.s, i.m) for i in items})),
    ("collect(n)", lambda items, panes: [i.n for i in items]),
    ("collect(t)", lambda items, panes: [i.t for i in items if i.t is not None]),
]


def rest(n):
    """n % 3 with the sign of n."""
    return n - 3 * int(Fraction(n, 3))


def mean(values):
    return repr(float(Fraction(sum(values), len(values)))) if values else None


def random_items(rng, count):
    items, now = [], 0
    for _ in range(count):
        now += rng.choice([0, 0, 1, 5, rng.randrange(40)]) * 100
        big = rng.choice([3, 10, 10, 300, 10**6, 10**15])
        x = rng.choice([rng.uniform(-10, 10), rng.uniform(-1, 1) * 10.0 ** rng.randrange(-20, 20), rng.choice([1e30, -1e30]), 0.1, -0.0])
        items.append(Item(
            at=max(0, now - rng.choice([0, 0, 100, rng.randrange(30) * 100])), k=rng.randrange(3), n=rng.randrange(-big, big),
            m=rng.choice([None, rng.randrange(-5, 5)]), x=x, y=rng.choice([None, rng.uniform(-1, 1)]), d=rng.randrange(-10**6, 10**6),
            w=rng.randrange(-10**6, 10**9), s="".join(rng.choice("abå") for _ in range(rng.randrange(3))), t=rng.choice([None, "u", "vv", "w"])))
    return items


def line(i):
    shown = {"at": i.at, "k": i.k, "n": i.n, "m": i.m, "x": i.x, "y": i.y, "s": i.s, "t": i.t}
    return json.dumps(shown)[:-1] + f', "d": {cents(i.d)}, "w": "{duration(i.w)}"}}\n'


def fields():
    return ", ".join(f"v{number}: {text}" for number, (text, _) in enumerate(AGGREGATES))


def flow(stages):
    return f"""record Item {{ {FIELDS} }}
source items: Item = file("in", jsonl) |> time by at lag 1h
sink out = file("out", jsonl)
sink bad = file("bad", text)
items |> filter false |> map s |> into bad
items |> key by k {stages} named all |> into out
"""


def check(name, rows, wanted):
    """`wanted`: the groups of the rows, in their order, as lists of panes of items; and what else is in the row."""
    if len(rows) != len(wanted):
        sys.exit(f"{name}: {len(rows)} rows, expected {len(wanted)}")
    for row, (more, panes, by_time) in zip(rows, wanted):
        items = [i for pane in panes for i in pane]
        if by_time:
            items = sorted(items, key=lambda i: i.at)
        for field, value in more.items():
            if row[field] != value:
                sys.exit(f"{name}: {field} is {row[field]}, expected {value}")
        for number, (text, compute) in enumerate(AGGREGATES):
            found, value = row[f"v{number}"], compute(items, panes)
            good = value is ... or (value.fits(found) if isinstance(value, Near) else found == value)
            if not good:
                sys.exit(f"{name}: {text} of {items}\n  expected {value!r}, found {found!r}")
    print(f"{name}: {len(rows)} rows, {len(rows) * len(AGGREGATES)} results")


def rows_of(stages, items):
    outcome = flows.run(flow(stages), "".join(map(line, items)).encode())
    return [json.loads(text, parse_float=str) for text in outcome.out.splitlines()]


def check_running(items):
    rows = rows_of(f"|> aggregate {{ key, {fields()} }}", items)
    seen, wanted = collections.defaultdict(list), []
    for i in items:
        seen[i.k].append(i)
        wanted.append(({"key": i.k}, [list(seen[i.k])], False))
    check("running", rows, wanted)


def check_final(items):
    rows = rows_of(f"|> aggregate {{ key, {fields()} }} emit final", items)
    groups = collections.defaultdict(list)
    for i in items:
        groups[i.k].append(i)
    check("final", rows, [({"key": key}, [group], False) for key, group in groups.items()])


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20240101
    rng, more = random.Random(seed), 10 if flows.is_long() else 1
    check_running(random_items(rng, 60 * more))
    check_final(random_items(rng, 2000 * more))


if __name__ == "__main__":
    main()
