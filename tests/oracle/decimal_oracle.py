#!/usr/bin/env python3
"""Arithmetic on decimals: generated programs against Python's `decimal`, with numbers of all sizes.

    decimal_oracle.py [FLOWCC [SEED]]      FULL=1 in the environment: many more
"""

import decimal
import json
import random
import sys
from decimal import Decimal
from fractions import Fraction

sys.dont_write_bytecode = True
from records import flows, model  # noqa: E402

decimal.getcontext().prec = 200
decimal.getcontext().Emax = decimal.MAX_EMAX
decimal.getcontext().Emin = decimal.MIN_EMIN


class Gone(Exception):
    """A fault or failure: the item goes into the rejects."""


def kept(value, scale):
    """The exact value (a Fraction or Decimal) in a scale, to the nearest and halves to even; Gone where 64 bits end."""
    units = round(Fraction(value) * 10**scale)  # Python rounds halves of fractions to even
    if not model.INT_MIN <= units <= model.INT_MAX:
        raise Gone
    return Decimal(units).scaleb(-scale)


def text(value, scale):
    return model.decimal_text(int(value.scaleb(scale)), scale)


def operations(a, b):
    """(flow expression, scale of its value or None, the same in Python) for values of scale a and b."""
    def divided(x, y, scale):
        if y == 0:
            raise Gone
        return kept(Fraction(x) / Fraction(y), scale)

    rows = [
        ("it.a + it.c", a, lambda r: kept(r.a + r.c, a)),
        ("it.a - it.c", a, lambda r: kept(r.a - r.c, a)),
        ("-it.a", a, lambda r: kept(-r.a, a)),
        ("abs(it.a)", a, lambda r: kept(abs(r.a), a)),
        ("it.a * it.n", a, lambda r: kept(r.a * r.n, a)),
        ("it.n * it.a", a, lambda r: kept(r.a * r.n, a)),
        ("it.a / it.n", a, lambda r: divided(r.a, r.n, a)),
        ("it.a / it.b", a, lambda r: divided(r.a, r.b, a)),
        ("it.b / it.a", b, lambda r: divided(r.b, r.a, b)),
        ("it.a / 7", a, lambda r: divided(r.a, 7, a)),
        ("it.a / 0.003", a, lambda r: divided(r.a, Decimal("0.003"), a)),
        ("it.a < it.c", None, lambda r: "true" if r.a < r.c else "false"),
        ("it.a == it.c", None, lambda r: "true" if r.a == r.c else "false"),
        ("max(it.a, it.c)", a, lambda r: max(r.a, r.c)),
        ("sum([it.a, it.c, it.a])", a, lambda r: kept(r.a + kept(r.a + r.c, a), a)),
        ("avg([it.a, it.c, it.a, it.a]) ?? 0", a, lambda r: kept(Fraction(3 * r.a + r.c) / 4, a)),
        ("int(it.a)", None, lambda r: str(int(r.a))),
        ("float(it.a)", None, lambda r: repr(float(r.a))),
        (f"decimal(it.n, {a})", a, lambda r: kept(r.n, a)),
        (f"decimal(it.x, {a})", a, lambda r: kept(Decimal(r.x), a)),
        (f"parse_decimal(it.s, {a})", a, lambda r: r.parsed(a)),
    ]
    if a + b <= 18:
        rows.append(("it.a * it.b", a + b, lambda r: kept(r.a * r.b, a + b)))
    for scale in sorted({0, max(a - 1, 0), max(a - 2, 0), a, min(a + 3, 18), 18}):
        rows.append((f"round(it.a, {scale})", scale, lambda r, scale=scale: kept(r.a, scale)))
    return rows


class Row:
    def __init__(self, rng, a, b):
        def units():
            big = rng.getrandbits(63) - 2**62
            return rng.choice([rng.randrange(-1000, 1000), rng.randrange(-20, 20), rng.randrange(-(10**12), 10**12), big,
                               model.INT_MIN, model.INT_MAX, 5 * 10 ** rng.randrange(18), 0, 1])
        self.a, self.c = (Decimal(units()).scaleb(-a) for _ in range(2))
        self.b = Decimal(units()).scaleb(-b)
        if rng.random() < 0.1:
            self.c = self.a
        self.n = rng.choice([rng.randrange(-10, 10), rng.getrandbits(40) - 2**39, units()])
        self.x = rng.choice([rng.uniform(-100, 100), rng.uniform(-1, 1) * 10.0 ** rng.randrange(-20, 25), rng.randrange(-40, 40) / 8, 2.675])
        self.s = rng.choice([text(self.a, a), " 1.5\t", "007", "+2.50", ".5", "1e2", "x", "", "1,5", "0.12345678901234567890", "1e30"])
        self.scales = (a, b)

    def parsed(self, scale):
        try:
            return Decimal(model.decimal_units(self.s.strip(), scale)).scaleb(-scale)
        except (model.Bad, decimal.InvalidOperation):
            raise Gone

    def line(self, number):
        a, b = self.scales
        return (f'{{"id": {number}, "a": {text(self.a, a)}, "b": {text(self.b, b)}, "c": {text(self.c, a)}, "n": {self.n}, '
                f'"x": {self.x!r}, "s": {json.dumps(self.s)}}}\n')


def check(rng, a, b, count):
    rows = [Row(rng, a, b) for _ in range(count)]
    data = "".join(row.line(number) for number, row in enumerate(rows)).encode()
    gone_count = 0
    wanted = operations(a, b)
    fields = f"id: int, a: decimal[{a}], b: decimal[{b}], c: decimal[{a}], n: int, x: float, s: string"
    flow = [f"record Row {{ {fields} }}", 'source rows: Row = file("in", jsonl)', 'sink out = file("out", text)', 'sink bad = file("bad", text)']
    for number, (expression, _, _) in enumerate(wanted):
        flow.append(f'rows |> map f"{number} {{it.id}} {{{expression}}}" else into gone{number} |> into out')
        flow.append(f"gone{number} |> map {number} |> into bad")
    outcome = flows.run("\n".join(flow) + "\n", data)
    found = {}
    for line in outcome.out.decode().splitlines():
        number, row, value = line.split(" ", 2)
        found[int(number), int(row)] = value
    for number, (expression, scale, compute) in enumerate(wanted):
        for at, row in enumerate(rows):
            try:
                value = compute(row)
                value = value if scale is None else text(value, scale)
            except Gone:
                value, gone_count = None, gone_count + 1
            came = found.pop((number, at), None)
            if came != value:
                sys.exit(f"{expression} with {row.line(at)}: expected {value}, found {came}")
    if found or len(outcome.bad) != gone_count:
        sys.exit(f"results that nobody expected: {list(found.items())[:3]}, {len(outcome.bad)} rejects for {gone_count}")
    if gone_count < count / 10:
        sys.exit(f"only {gone_count} faults and failures; this shows too little")
    print(f"decimal[{a}] and decimal[{b}]: {len(wanted) * count - gone_count} results, {gone_count} faults and failures")


def main():
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20240101
    rng, more = random.Random(seed), 10 if flows.is_long() else 1
    for a, b in [(2, 4), (18, 0), (rng.randrange(19), rng.randrange(19))]:
        check(rng, a, b, 150 * more)


if __name__ == "__main__":
    main()
