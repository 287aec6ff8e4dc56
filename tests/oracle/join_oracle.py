#!/usr/bin/env python3
"""Joins against a program that knows nothing of states, blocks and workers: two streams whose times are out of order, each
with a watermark of its own, in every form of join. Each log is played with several numbers of workers, in tiny blocks,
in two runs, and killed. FULL=1 in the environment: many more logs, and others each time."""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
import _crash  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
FLOWCC = Path(os.environ.get("FLOWCC", ROOT / "build" / "flowcc"))
FULL = bool(os.environ.get("FULL"))
SEED = int(time.time()) if FULL else 1
COUNT = 150 if FULL else 4
NEVER = 1 << 62

FLOW = """
record Row { side: string, k: string, v: int, at: int }
param lag_l: int
param lag_r: int
param low: int
param high: int
param size: int
param ttl: int
source rows: Row = file("rows.csv", csv)
sink out = file("out.txt", text)
fn second(n: int) -> timestamp = @2024-01-01T00:00:00Z + 1s * n
fn shown(t: timestamp) -> string = slice(string(t), 11, 26)
fn text(n: int?) -> string = if let x = n then string(x) else "-"
stream l = rows |> filter side == "l" |> time by second(at) lag 1s * lag_l
stream r = rows |> filter side == "r" |> time by second(at) lag 1s * lag_r
stream inner = l |> join r on l.k == r.k within 1s * low..1s * high where (l.v + r.v) % 3 != 0 late into late
stream outer = l |> left join r on l.k == r.k within 1s * low..1s * high where (l.v + r.v) % 3 != 0
stream full = l |> full join r on l.k == r.k within 1s * low..1s * high
stream window = l |> full join r on l.k == r.k in window tumbling 1s * size
stream twice = l as a |> join l as b on a.k == b.k and a.side == b.side within 1s * size
stream ttl_pairs = l |> join r on l.k == r.k expires 1s * ttl
stream first = l |> join r on l.k == r.k keep first emit complete unbounded
stream last = l |> left join r on l.k == r.k keep last emit running expires 1s * ttl
stream all = l |> full join r on l.k == r.k keep all emit final expires 1s * ttl where (l.v + r.v) % 3 != 0
stream latest = l |> key by v |> lookup r_keyed on k == r_keyed.k
stream r_keyed = r |> key by k
stream alone = full
  |> filter l == none or r == none
  |> key by "ALL"
  |> window tumbling 7s
  |> aggregate count() named windows
  |> aggregate sum(it) emit final
late |> map f"late {text(l?.v)} {text(r?.v)}" |> into out
inner |> map f"inner {key} {l.v} {r.v} {shown(time())}" |> into out
outer |> map f"outer {key} {l.v} {text(r?.v)} {shown(time())}" |> into out
full |> map f"full {key} {text(l?.v)} {text(r?.v)} {shown(time())}" |> into out
window |> map f"window {key} {text(l?.v)} {text(r?.v)} {shown(time())}" |> into out
twice |> map f"twice {key.k} {a.v} {b.v} {shown(time())}" |> into out
ttl_pairs |> map f"ttl_pairs {key} {l.v} {r.v} {shown(time())}" |> into out
alone |> map f"alone {it}" |> into out
first |> map f"first {key} {l.v} {r.v} {shown(time())}" |> into out
last |> map f"last {key} {l.v} {text(r?.v)} {shown(time())}" |> into out
all |> map f"all {key} {text(l?.v)} {text(r?.v)} {shown(time())}" |> into out
latest |> map f"latest {key} {k} {text(r_keyed?.v)} {shown(time())}" |> into out
"""


def shown(us):
    """A time of day as string() gives it."""
    seconds, rest = divmod(us, 10**6)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return text + (f".{rest:06}" if rest % 1000 else f".{rest // 1000:03}Z" if rest else "Z")


class Item:
    def __init__(self, v, at, order):
        self.v, self.at, self.order, self.met = v, at, order, False


class Join:
    """A join by the definition: keys with two lists of items, and what is printed."""

    def __init__(self, name, kind="inner", where=lambda a, b: True):
        self.name, self.kind, self.where = name, kind, where
        self.keys, self.created, self.out = {}, 0, []

    def row(self, key):
        if key not in self.keys:
            self.keys[key] = {"id": self.created, "sides": ([], []), "seen": -NEVER}
            self.created += 1
        return self.keys[key]

    def send(self, key, left, right, at):
        v = [str(x.v) if x else "-" for x in (left, right)]
        self.out.append(f"{self.name} {key} {v[0]} {v[1]} {shown(at)}")

    def shows(self, side):
        return self.kind == "full" or (self.kind == "left" and side == 0)

    def advance(self, clock):
        """Lets everything happen that is due, in the order of (deadline, creation of the key)."""
        while True:
            due = [(self.deadline(r), r["id"], key) for key, r in self.keys.items()]
            due = min((d for d in due if d[0] <= clock), default=None)
            if due is None:
                return
            self.fire(due[2], due[0])

    def product(self, key, row, shows_left, shows_right):
        left, right = row["sides"]
        for a in left:
            pairs = [b for b in right if self.where(a, b)]
            for b in pairs:
                self.send(key, a, b, max(a.at, b.at))
            if not pairs and shows_left:
                self.send(key, a, None, a.at)
        for b in right if shows_right else ():
            if not any(self.where(a, b) for a in left):
                self.send(key, None, b, b.at)


class Timed(Join):
    """`within` and `in window`: what is kept for how long, and who may meet whom, is the subclass's."""

    def deadline(self, row):
        return min(self.until(side, x) for side in (0, 1) for x in row["sides"][side])

    def fire(self, key, at):
        row = self.keys[key]
        for side in (0, 1):
            over = [x for x in row["sides"][side] if self.until(side, x) <= at]
            for x in over:
                row["sides"][side].remove(x)
                if not x.met and self.shows(side):
                    self.send(key, *((x, None) if side == 0 else (None, x)), at - 1)
        if not any(row["sides"]):
            del self.keys[key]

    def item(self, side, key, v, at, clock, order):
        x = Item(v, at, order)
        if self.until(side, x) <= clock < NEVER:
            self.out.append(f"late {v} -" if side == 0 else f"late - {v}")
            return
        row = self.row(key)
        for other in row["sides"][1 - side]:
            pair = (x, other) if side == 0 else (other, x)
            if self.fits(*pair) and self.where(*pair):
                self.send(key, *pair, max(at, other.at))
                x.met = other.met = True
        row["sides"][side].append(x)
        row["sides"][side].sort(key=lambda y: (y.at, y.order))


class Within(Timed):
    def __init__(self, name, low, high, **rest):
        super().__init__(name, **rest)
        self.low, self.high = low, high
        self.reach = (max(high, 0), max(-low, 0))

    def until(self, side, x):
        return x.at + self.reach[side] + 1

    def fits(self, left, right):
        return self.low <= right.at - left.at <= self.high


class Window(Timed):
    def __init__(self, name, size, **rest):
        super().__init__(name, **rest)
        self.size = size

    def until(self, side, x):
        start = 1704067200 * 10**6  # times of the model begin at 2024-01-01, windows at 1970-01-01
        return (x.at + start) // self.size * self.size + self.size - start

    def fits(self, left, right):
        return self.until(0, left) == self.until(0, right)


class Kept(Join):
    def __init__(self, name, keep, emit, ttl=None, **rest):
        super().__init__(name, **rest)
        self.keep, self.emit, self.ttl = keep, emit, ttl

    def deadline(self, row):
        return NEVER if self.ttl is None else row["seen"] + self.ttl

    def fire(self, key, at):
        row = self.keys.pop(key)
        if self.emit == "final":
            self.product(key, row, self.shows(0), self.shows(1))

    def item(self, side, key, v, at, clock, order):
        row, x = self.row(key), Item(v, at, order)
        row["seen"] = max(row["seen"], at)
        mine, others = row["sides"][side], row["sides"][1 - side]
        for other in others if self.emit == "pairs" else ():
            pair = (x, other) if side == 0 else (other, x)
            if self.where(*pair):
                self.send(key, *pair, max(at, other.at))
        if self.keep == "last":
            mine.clear()
        if self.keep != "first" or not mine:
            mine.append(x)
        if self.emit == "complete" and all(row["sides"]):
            self.product(key, row, False, False)
            del self.keys[key]
        if self.emit == "running":
            self.product(key, row, True, self.kind != "left")


class Lookup:
    def __init__(self):
        self.latest, self.out = {}, []

    def advance(self, clock):
        pass

    def item(self, side, key, v, at, clock, order):
        if side == 1:
            self.latest[key] = v
        else:
            self.out.append(f"latest {v} {key} {self.latest.get(key, '-')} {shown(at)}")


class Twice:
    """Each row is first a left item, then a right one, and both see the watermark of the left stream."""

    def __init__(self, size):
        self.join = Within("twice", -size, size)
        self.out = self.join.out

    def advance(self, clock):
        self.join.advance(clock)


def expected(rows, params):
    us = {name: value * 10**6 for name, value in params.items()}
    odd = lambda a, b: (a.v + b.v) % 3 != 0  # noqa: E731
    within, ttl = (us["low"], us["high"]), us["ttl"]
    joins = [Within("inner", *within, where=odd), Within("outer", *within, kind="left", where=odd),
             Within("full", *within, kind="full"), Window("window", us["size"], kind="full"),
             Kept("ttl_pairs", "all", "pairs", ttl), Kept("first", "first", "complete"),
             Kept("last", "last", "running", ttl, kind="left"), Kept("all", "all", "final", ttl, kind="full", where=odd),
             Lookup()]
    twice = Twice(us["size"])
    marks = [-NEVER, -NEVER]
    for order, (side, key, v, at) in enumerate(rows):
        at *= 10**6
        mark = at - us["lag_r" if side else "lag_l"]
        if mark > marks[side]:
            marks[side] = mark
            for join in joins:
                join.advance(min(marks))
            twice.advance(marks[0])
        for join in joins:
            join.item(side, key, v, at, min(marks), order)
        if side == 0:
            twice.join.item(0, key, v, at, marks[0], order)
            twice.join.item(1, key, v, at, marks[0], order)
    lines = {}
    for join in [*joins, twice]:
        join.advance(NEVER - 1)
        for line in join.out:
            name = line.split()[0]
            if name != "late" or join is joins[0]:
                lines.setdefault(name, []).append(line)
    # What has no partner comes at a rise of the watermark, and is on time for what looks at it then.
    alone = sum(" - " in line for line in lines.get("full", []))
    if alone:
        lines["alone"] = [f"alone {alone}"]
    return lines


def log(r, count):
    rows, now = [], 20
    for _ in range(count):
        now += r.choice([0, 0, 1, 1, 2, 9]) if r.random() < 0.7 else 0
        at = max(0, now - r.choice([0, 0, 0, 1, 2, 4, 30]))
        rows.append((r.randrange(2), r.choice("abcdefg"), r.randrange(100), at))
    return rows


def write(path, rows):
    path.write_text("side,k,v,at\n" + "".join(f"{'lr'[side]},{k},{v},{at}\n" for side, k, v, at in rows))


def run(program, folder, options, workers, block=0, at=0):
    env = dict(os.environ, **({"FLOW_BLOCK_BYTES": str(block)} if block else {}))
    if at:
        env.update(LD_PRELOAD=str(_crash.library()), CRASHPOINT_AT=str(at))
    result = subprocess.run([program, "-w", str(workers), *options], cwd=folder, env=env, capture_output=True, text=True)
    if result.returncode and not (at and result.returncode == -9):
        sys.exit(f"exit code {result.returncode}\n{result.stderr}")
    return result.returncode == 0


def compare(folder, wanted, where):
    got = {}
    for line in (folder / "out.txt").read_text().splitlines():
        got.setdefault(line.split()[0], []).append(line)
    for name in sorted({*wanted, *got}):
        lists = wanted.get(name, []) + ["(end)"], got.get(name, []) + ["(end)"]
        for number, (want, line) in enumerate(zip(*lists)):
            if want != line:
                sys.exit(f"{where}: {name}, line {number}: wanted {want!r}, got {line!r}")


def play(program, folder, seed):
    r = random.Random(seed)
    rows = log(r, r.randrange(1, 300))
    low = r.randrange(-8, 8)
    params = {"lag_l": r.randrange(4), "lag_r": r.randrange(4), "low": low, "high": low + r.randrange(12),
              "size": r.randrange(1, 12), "ttl": r.randrange(1, 15)}
    wanted = expected(rows, params)
    options = [word for name, value in params.items() for word in ("--" + name.replace("_", "-"), str(value))]
    write(folder / "rows.csv", rows)
    where = f"seed {seed}, {params}"
    for workers, block in ((1, 0), (1, 50), (2, 30), (4, 100)):
        run(program, folder, options, workers, block)
        compare(folder, wanted, f"{where}, {workers} workers, blocks of {block}")
    # In two runs over one state directory, of which each is killed at random calls.
    half = r.randrange(len(rows) + 1)
    options += ["-d", f"db{seed}", "--epoch-records", str(r.randrange(1, 40))]
    for part, end in ((rows[:half], "keep"), (rows, "flush")):
        write(folder / "rows.csv", part)
        for _ in range(3 if _crash.library() else 0):
            run(program, folder, [*options, "--at-end", end], r.randrange(1, 5), 60, r.randrange(1, 60))
        run(program, folder, [*options, "--at-end", end], r.randrange(1, 5), 60)
    compare(folder, wanted, f"{where}, killed and gone on with")
    return sum(len(lines) for lines in wanted.values())


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "joins.flow").write_text(FLOW)
        subprocess.run([FLOWCC, "joins.flow", "-o", "joins"], cwd=folder, check=True)
        lines = sum(play(folder / "joins", folder, seed) for seed in range(SEED, SEED + COUNT))
    print(f"{COUNT} logs, each in 4 ways and killed, give {lines} lines, as the oracle says")


main()
