#!/usr/bin/env python3
"""Every aggregate over random items, against the same computed in Python from its definition: of all items of a key,
running; of windows of a number of items; of sliding windows and sessions, where times decide, and of which panes and
parts are merged. Sums of floats must be the same bits.

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

Item = collections.namedtuple("Item", "number at k n m x y d w s t")


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


def replay(history, value):
    """The sum of a history: items that were added, and histories that were merged into it."""
    total = Sum()
    for event in history:
        if not isinstance(event, Item):
            total.merge(replay(event, value))
        elif value(event) is not None:
            total.add(value(event))
    return total


def float_sum(history, value):
    total = replay(history, value)
    return total.sum + total.rest


def items_of(history):
    """All items of a history."""
    return [i for event in history for i in ([event] if isinstance(event, Item) else items_of(event))]


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
    # expression; of the items in their order, and of the history of their sums: the JSON, numbers with a point as text
    ("count()", lambda items, history: len(items)),
    ("count(m)", lambda items, history: sum(i.m is not None for i in items)),
    ("count() where n > 0", lambda items, history: sum(i.n > 0 for i in items)),
    ("sum(n)", lambda items, history: sum(i.n for i in items)),
    ("sum(m)", lambda items, history: sum(i.m or 0 for i in items)),
    ("sum(n * 2) where s != \"a\"", lambda items, history: sum(2 * i.n for i in items if i.s != "a")),
    ("sum(x)", lambda items, history: repr(float_sum(history, lambda i: i.x))),
    ("sum(y)", lambda items, history: repr(float_sum(history, lambda i: i.y))),
    ("sum(d)", lambda items, history: cents(sum(i.d for i in items))),
    ("sum(w)", lambda items, history: duration(sum(i.w for i in items))),
    ("avg(n)", lambda items, history: repr(float(Fraction(sum(i.n for i in items), len(items))))),
    ("avg(m)", lambda items, history: mean([i.m for i in items if i.m is not None])),
    ("avg(x)", lambda items, history: repr(float_sum(history, lambda i: i.x) / len(items))),
    ("avg(d)", lambda items, history: cents(even(Fraction(sum(i.d for i in items), len(items))))),
    ("avg(w)", lambda items, history: duration(even(Fraction(sum(i.w for i in items), len(items))))),
    ("min(n)", lambda items, history: min(i.n for i in items)),
    ("max(x)", lambda items, history: repr(max(i.x for i in items))),
    ("max(m)", lambda items, history: max((i.m for i in items if i.m is not None), default=None)),
    ("min(s)", lambda items, history: min(i.s for i in items)),
    ("max(t)", lambda items, history: max((i.t for i in items if i.t is not None), default=None)),
    ("max(n) - min(n)", lambda items, history: max(i.n for i in items) - min(i.n for i in items)),
    ("stddev(x)", lambda items, history: deviation([i.x for i in items])),
    ("stddev(n)", lambda items, history: deviation([i.n for i in items])),
    ("quantile(n, 0.5)", lambda items, history: quantile([i.n for i in items], 0.5)),
    ("quantile(n, 0.95)", lambda items, history: quantile([i.n for i in items], 0.95)),
    ("quantile(x, 0)", lambda items, history: quantile([i.x for i in items], 0)),
    ("quantile(w, 0.3)", lambda items, history: ...),
    ("first(s)", lambda items, history: items[0].s),
    ("last(n)", lambda items, history: items[-1].n),
    ("first(t)", lambda items, history: next((i.t for i in items if i.t is not None), None)),
    ("last(m)", lambda items, history: next((i.m for i in reversed(items) if i.m is not None), None)),
    ("first(n) where n > 5", lambda items, history: next((i.n for i in items if i.n > 5), None)),
    ("max_by(n % 3, s)", lambda items, history: best(items, lambda i: rest(i.n), lambda i: i.s, 1)),
    ("min_by(len(s), n)", lambda items, history: best(items, lambda i: len(i.s), lambda i: i.n, -1)),
    ("max_by(m, t)", lambda items, history: best([i for i in items if i.m is not None], lambda i: i.m, lambda i: i.t, 1)),
    ("all_max_by(n % 3, n)", lambda items, history: every(items, lambda i: rest(i.n), lambda i: i.n, 1)),
    ("all_min_by(len(s), s)", lambda items, history: every(items, lambda i: len(i.s), lambda i: i.s, -1)),
    ("top(3, n)", lambda items, history: sorted((i.n for i in items), reverse=True)[:3]),
    ("top(2, n % 3, n)", lambda items, history: top(items, 2, lambda i: rest(i.n), lambda i: i.n)),
    ("distinct(s)", lambda items, history: len({i.s for i in items})),
    ("distinct({ s, m })", lambda items, history: len({(i.s, i.m) for i in items})),
    ("collect(n)", lambda items, history: [i.n for i in items]),
    ("collect(t)", lambda items, history: [i.t for i in items if i.t is not None]),
]


def rest(n):
    """n % 3 with the sign of n."""
    return n - 3 * int(Fraction(n, 3))


def mean(values):
    return repr(float(Fraction(sum(values), len(values)))) if values else None


def random_items(rng, count):
    items, now = [], 0
    for number in range(count):
        now += rng.choice([0, 0, 1, 5, rng.randrange(40)]) * 100
        big = rng.choice([3, 10, 10, 300, 10**6, 10**15])
        x = rng.choice([rng.uniform(-10, 10), rng.uniform(-1, 1) * 10.0 ** rng.randrange(-20, 20), rng.choice([1e30, -1e30]), 0.1, -0.0])
        items.append(Item(
            number=number, at=max(0, now - rng.choice([0, 0, 100, rng.randrange(30) * 100])), k=rng.randrange(3), n=rng.randrange(-big, big),
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


def check(name, rows, wanted, by_time=False):
    """`wanted`: the rows in their order: what else is in it, and the history of its group."""
    if len(rows) != len(wanted):
        sys.exit(f"{name}: {len(rows)} rows, expected {len(wanted)}")
    for row, (more, history) in zip(rows, wanted):
        items = items_of(history)
        if by_time:
            items.sort(key=lambda i: (i.at, i.number))
        for field, value in more.items():
            if row[field] != value:
                sys.exit(f"{name}: {field} is {row[field]}, expected {value}")
        for number, (text, compute) in enumerate(AGGREGATES):
            found, value = row[f"v{number}"], compute(items, history)
            good = value is ... or (value.fits(found) if isinstance(value, Near) else found == value)
            if not good:
                sys.exit(f"{name}: {text} of {items}\n  expected {value!r}, found {found!r}")
    print(f"{name}: {len(rows)} rows, {len(rows) * len(AGGREGATES)} results")


def rows_of(stages, items, more=""):
    text = flow(f"{stages} |> aggregate {{ k, {more}{fields()} }}")
    outcome = flows.run(text, "".join(map(line, items)).encode())
    return [json.loads(text, parse_float=str) for text in outcome.out.splitlines()]


def check_running(items):
    seen, wanted = collections.defaultdict(list), []
    for i in items:
        seen[i.k].append(i)
        wanted.append(({"k": i.k}, list(seen[i.k])))
    check("running", rows_of("", items), wanted)


def check_count(items, count):
    """Windows of a number of items; the rest at the end of the input."""
    rows, open_, wanted = rows_of(f"|> window count {count}", items), {}, []
    for i in items:
        open_.setdefault(i.k, []).append(i)
        if len(open_[i.k]) == count:
            wanted.append(({"k": i.k}, open_.pop(i.k)))
    check(f"window count {count}", rows, wanted + [({"k": k}, history) for k, history in open_.items()])


def by_window(rows):
    return sorted(rows, key=lambda row: (row["until"], row["k"]))


def check_sliding(items, size, slide):
    """Of panes as long as the slide, which divides the size."""
    panes = collections.defaultdict(list)
    for i in items:
        panes[i.k, i.at // slide].append(i)
    ends = {(k, pane + n) for k, pane in panes for n in range(size // slide)}
    wanted = [({"k": k, "until": (last + 1) * slide},
               [panes[k, pane] for pane in range(last + 1 - size // slide, last + 1) if (k, pane) in panes])
              for last, k in sorted((last, k) for k, last in ends)]
    rows = rows_of(f"|> window sliding {size}ms every {slide}ms", items, "until: epoch_ms(window.end), ")
    check(f"window sliding {size}ms every {slide}ms", by_window(rows), wanted, by_time=True)


class Session:
    def __init__(self, item):
        self.first = self.last = item.at
        self.history = []


def check_sessions(items, gap):
    """An item is added to the session that reaches it, to the earlier of two, which the later is then merged into."""
    all_ = collections.defaultdict(list)
    for i in items:
        near = sorted((s for s in all_[i.k] if s.first - gap <= i.at <= s.last + gap), key=lambda s: s.first)
        if not near:
            near = [Session(i)]
            all_[i.k].append(near[0])
        session = near[0]
        session.history.append(i)
        for other in near[1:]:
            session.history.append(other.history)
            session.last = other.last
            all_[i.k].remove(other)
        session.first, session.last = min(session.first, i.at), max(session.last, i.at)
    wanted = [({"k": k, "since": s.first, "until": s.last + gap}, s.history) for k, sessions in all_.items() for s in sessions]
    wanted.sort(key=lambda row: (row[0]["until"], row[0]["k"]))
    rows = rows_of(f"|> window session gap {gap}ms", items, "since: epoch_ms(window.start), until: epoch_ms(window.end), ")
    check(f"window session gap {gap}ms", by_window(rows), wanted, by_time=True)


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20240101
    rng, more = random.Random(seed), 10 if flows.is_long() else 1
    check_running(random_items(rng, 60 * more))
    check_count(random_items(rng, 400 * more), 17)
    check_sliding(random_items(rng, 400 * more), 12000, 3000)
    check_sessions(random_items(rng, 400 * more), 2000)


if __name__ == "__main__":
    main()
