#!/usr/bin/env python3
"""Event time against a program that knows nothing of blocks and workers: logs with times out of order, lags,
keys that expire, and two streams whose watermarks meet. FULL=1 in the environment: many, and others each time."""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLOWCC = Path(os.environ.get("FLOWCC", ROOT / "build" / "flowcc"))
FULL = bool(os.environ.get("FULL"))
SEED = int(time.time()) if FULL else 1
COUNT = 200 if FULL else 4
NEVER = 1 << 62

FLOW = """
record Row { who: string, at: int }
param lag_a: int
param lag_b: int
param ttl: int
source a: Row = file("a.csv", csv)
source b: Row = file("b.csv", csv)
fn second(n: int) -> timestamp = @2024-01-01T00:00:00Z + 1s * n
stream x = a |> time by second(at) lag 1s * lag_a
stream y = b |> time by second(at) lag 1s * lag_b
x
  |> merge y
  |> key by who
  |> state n: int = 0 expires 1s * ttl { n += 1; emit { who, n } }
     on expire { emit { who: key, n: 0 - n } }
  |> key by slice(who, 0, 1)
  |> state last: { text: string = "", until: timestamp? = none } {
       last.text = f"{who}{n}"
       last.until = time() + 5s
       emit f"{who} {n} at {(time() - second(0)) / 1s}"
     }
     on at last.until {
       emit f"{key} {last.text} fires at {(time() - second(0)) / 1s}"
       last.until = none
     }
  |> into stdout
"""


class State:
    """Rows in the order of their creation, with deadlines."""

    def __init__(self):
        self.rows = {}
        self.created = 0

    def row(self, key):
        if key not in self.rows:
            self.rows[key] = {"id": self.created}
            self.created += 1
        return self.rows[key]

    def next_due(self, clock, deadline):
        due = [(deadline(r), r["id"], key) for key, r in self.rows.items() if deadline(r) <= clock]
        return min(due) if due else None


class Model:
    def __init__(self, lags, ttl):
        self.lags, self.ttl, self.out = lags, ttl, []
        self.marks = [-NEVER, -NEVER]
        self.keys, self.lasts = State(), State()

    def expiry(self, row):
        return row["seen"] + self.ttl

    def until(self, row):
        return NEVER if row["until"] is None else row["until"]

    def pass_on(self, who, n, at):
        row = self.lasts.row(who[0])
        row["text"], row["until"] = f"{who}{n}", at + 5
        self.out.append(f"{who} {n} at {at}")

    def advance(self, clock):
        if clock >= NEVER:
            return
        while due := self.keys.next_due(clock, self.expiry):
            at, _, key = due
            n = self.keys.rows.pop(key)["n"]
            self.pass_on(key, -n, at)
        while due := self.lasts.next_due(clock, self.until):
            at, _, key = due
            row = self.lasts.rows[key]
            self.out.append(f"{key} {row['text']} fires at {at}")
            row["until"] = None

    def record(self, source, who, at):
        if at - self.lags[source] > self.marks[source]:
            self.marks[source] = at - self.lags[source]
            self.advance(min(self.marks))
        row = self.keys.row(who)
        row["seen"] = max(row.get("seen", -NEVER), at)
        row["n"] = row.get("n", 0) + 1
        self.pass_on(who, row["n"], at)

    def end_of(self, source):
        self.marks[source] = NEVER


def log(r, count):
    rows, now = [], r.randrange(5)
    for _ in range(count):
        now += r.choice([0, 0, 0, 1, 1, 2, 9]) if r.random() < 0.7 else 0
        rows.append((r.choice("abc") + str(r.randrange(6)), max(0, now - r.choice([0, 0, 0, 1, 2, 4, 20]))))
    return rows


def expected(a, b, lags, ttl):
    model = Model(lags, ttl)
    for source, rows in ((0, a), (1, b)):  # small files: each is one stripe
        for who, at in rows:
            model.record(source, who, at)
        model.end_of(source)
        if source == 0 and b:
            model.advance(min(model.marks))
    model.advance(NEVER - 1)
    return "\n".join(model.out) + "\n"


def play(program, folder, seed):
    r = random.Random(seed)
    a, b = log(r, r.randrange(1, 150)), log(r, r.randrange(1, 150))
    lags, ttl = [r.randrange(4), r.randrange(4)], r.randrange(1, 15)
    for name, rows in (("a", a), ("b", b)):
        (folder / f"{name}.csv").write_text("who,at\n" + "".join(f"{who},{at}\n" for who, at in rows))
    wanted = expected(a, b, lags, ttl)
    options = ["--lag-a", str(lags[0]), "--lag-b", str(lags[1]), "--ttl", str(ttl)]
    for workers, block in ((1, 0), (1, 50), (2, 30), (3, 200), (4, 0)):
        env = dict(os.environ, **({"FLOW_BLOCK_BYTES": str(block)} if block else {}))
        got = subprocess.run([program, "-w", str(workers), *options], cwd=folder, env=env, capture_output=True, text=True)
        if got.stdout == wanted and got.returncode == 0:
            continue
        lines = zip(wanted.splitlines() + ["(end)"], got.stdout.splitlines() + ["(end)"])
        first = next((i, w, g) for i, (w, g) in enumerate(lines) if w != g)
        sys.exit(f"seed {seed}, {workers} workers, blocks of {block}: line {first[0]}: wanted {first[1]!r}, got {first[2]!r}\n"
                 + got.stderr)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "time.flow").write_text(FLOW)
        subprocess.run([FLOWCC, "time.flow", "-o", "time"], cwd=folder, check=True)
        for seed in range(SEED, SEED + COUNT):
            play(folder / "time", folder, seed)
    print(f"{COUNT} logs, each in 5 ways, as the oracle says")


main()
