#!/usr/bin/env python3
"""Windows against a program that knows nothing of panes, blocks and workers: windows of all kinds over logs with times
out of order, with lateness allowed or not, results when a window ends or with each item, windows over windows.

Each program has many windows over one log, and plays it with other numbers of workers and sizes of blocks, in
several runs, and killed and resumed. FULL=1 in the environment: many programs, and others each time."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

sys.dont_write_bytecode = True
import _crash  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
FLOWCC = Path(os.environ.get("FLOWCC", ROOT / "build" / "flowcc"))
FULL = bool(os.environ.get("FULL"))
SEED = int(time.time()) if FULL else 1
PROGRAMS, LOGS = (15, 6) if FULL else (2, 2)
NEVER = 1 << 62
SECOND = 1000000
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def text_of(us):
    """A time in microseconds as JSON has it."""
    moment = EPOCH + timedelta(microseconds=us)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = moment.microsecond
    return text + (f".{fraction:06}" if fraction % 1000 else f".{fraction // 1000:03}" if fraction else "") + "Z"


class Window:
    """What `window … |> aggregate { …, n: count(), s: sum(x), xs: collect(x) }` is to do. All times in microseconds.

    A row is what is kept of a key, as long as something is: its number of creation, and its windows (or sessions) with
    their items. Results go to `out`, late items to `late`; an item is (time, number in the input, x, key)."""

    def __init__(self, spec, out, late):
        self.kind, self.out, self.late = spec["kind"], out, late
        scale = 1 if self.kind == "count" else SECOND
        self.size, self.every, self.origin = spec["size"] * scale, spec["every"] * scale, spec["origin"] * scale
        self.allow = (spec["allow"] or 0) * SECOND
        self.closes = spec["emit"] != "on change"
        self.rows, self.created, self.mark, self.raised = {}, 0, -NEVER, -NEVER

    def emit(self, key, window):
        end = self.end_of(window)
        items = sorted(window["items"], key=lambda item: item[:2])
        self.out(key, window["start"], end, items, end - 1)

    def end_of(self, window):
        return window["last" if self.kind == "session" else "start"] + self.size

    def due(self, window):
        """The moments at which it ends and goes: a session a moment behind its end."""
        end = self.end_of(window) + (self.kind == "session")
        return end, end + self.allow

    def advance(self, mark):
        """Fires what is due up to the mark, in the order of (moment, creation of the key's row)."""
        while True:
            due = []
            for key, row in self.rows.items():
                for window in row["windows"]:
                    end, gone = self.due(window)
                    due.append((end if self.closes and not window["done"] else gone, row["id"], key))
            if not due or min(due)[0] > mark:
                break
            moment, _, key = min(due)
            self.raised = max(self.raised, moment)
            row = self.rows[key]
            for window in row["windows"]:
                if self.due(window)[0] == moment and self.closes and not window["done"]:
                    window["done"] = True
                    self.emit(key, window)
            row["windows"] = [w for w in row["windows"] if self.due(w)[1] > moment]
            if not row["windows"]:
                del self.rows[key]
        self.mark = mark

    def row(self, key):
        if key not in self.rows:
            self.rows[key] = {"id": self.created, "windows": [], "items": []}
            self.created += 1
        return self.rows[key]

    def push(self, key, item):
        if self.kind == "count":
            self.push_counted(key, item)
        elif self.kind == "session":
            self.push_session(key, item)
        else:
            self.push_timed(key, item)

    def push_counted(self, key, item):
        row = self.row(key)
        row["items"].append(item)
        full = len(row["items"]) == self.size
        if full or not self.closes:
            self.out(key, None, None, row["items"], item[0])
        if full:
            del self.rows[key]

    def push_timed(self, key, item):
        t = item[0]
        last = (t - self.origin) // self.every * self.every + self.origin
        starts = [s for s in range(last - self.size // self.every * self.every, last + 1, self.every) if t < s + self.size]
        is_open = [s for s in starts if s + self.size + self.allow > self.mark]
        if starts and not is_open:
            self.late(item)
        for start in is_open:
            row = self.row(key)
            window = next((w for w in row["windows"] if w["start"] == start), None)
            is_done = start + self.size <= self.mark
            if window is None:
                window = {"start": start, "items": [], "done": is_done}
                row["windows"].append(window)
            window["items"].append(item)
            if is_done or not self.closes:
                self.emit(key, window)

    def push_session(self, key, item):
        t, gap = item[0], self.size
        windows = self.rows[key]["windows"] if key in self.rows else []
        taking = [w for w in windows if w["start"] - gap <= t <= w["last"] + gap]
        if not taking and t + gap + self.allow < self.mark:
            self.late(item)
            return
        row = self.row(key)
        window = {"start": min([t] + [w["start"] for w in taking]), "last": max([t] + [w["last"] for w in taking])}
        window["items"] = [item] + [i for w in taking for i in w["items"]]
        window["done"] = window["last"] + gap < self.mark
        row["windows"] = [w for w in row["windows"] if w not in taking] + [window]
        if window["done"] or not self.closes:
            self.emit(key, window)

    def flush(self):
        """The end of the input."""
        if self.kind != "count":
            self.advance(NEVER)
        elif self.closes:
            for key, row in sorted(self.rows.items(), key=lambda r: r[1]["id"]):
                self.out(key, None, None, row["items"], row["items"][-1][0])


class Pipeline:
    """A window, perhaps another one over its results, and what both write."""

    def __init__(self, spec):
        self.lines, self.late_lines, self.number = [], [], 0
        self.windows = [Window(spec, self.write, self.write_late)]
        if spec["chain"]:
            self.windows = [Window(spec, self.pass_on, self.write_late), Window(spec["chain"], self.write, lambda item: None)]

    def write(self, key, start, end, items, at):
        row = {} if key is None else {"k": key}
        if start is not None:
            row |= {"start": text_of(start), "end": text_of(end)}
        xs = [item[2] for item in items]
        self.lines.append(json.dumps(row | {"n": len(xs), "s": sum(xs), "xs": xs, "at": text_of(at)}))

    def pass_on(self, key, start, end, items, at):
        self.number += 1
        self.windows[1].push(key, (at, self.number, len(items), key))

    def write_late(self, item):
        self.late_lines.append(json.dumps({"k": item[3], "x": item[2], "at": text_of(item[0])}))


# -- programs

def window_spec(r, kind=None, chain=False):
    kind = kind or r.choice(["tumbling", "tumbling", "sliding", "sliding", "sliding", "session", "session", "count"])
    size = r.randrange(1, 13)
    spec = {"kind": kind, "size": size, "every": size, "origin": 0, "allow": None, "emit": None, "late": False, "chain": None}
    if kind == "sliding":
        spec["every"] = r.randrange(1, 9)
    if kind in ("tumbling", "sliding") and r.random() < 0.4:
        spec["origin"] = r.randrange(-100, 100)
    if kind != "count":
        spec["allow"] = r.choice([None, None, 0, 1, 5, 20])
        spec["late"] = r.random() < 0.5
    spec["emit"] = r.choice([None, None, "final", "on change"])
    spec["keyed"] = chain or r.random() < 0.8
    if not chain and spec["keyed"] and r.random() < 0.3:
        spec["chain"] = window_spec(r, r.choice(["tumbling", "sliding", "count"]), True)
        spec["chain"]["late"] = False
    return spec


def window_text(spec, late):
    kind, size = spec["kind"], spec["size"]
    text = {"session": f"session gap {size}s", "count": f"count {size}", "tumbling": f"tumbling {size}s",
            "sliding": f"sliding {size}s every {spec['every']}s"}[kind]
    if spec["origin"]:
        text += f" origin @{text_of(spec['origin'] * SECOND)}"
    if spec["allow"] is not None:
        text += f" allow {spec['allow']}s"
    if spec["emit"]:
        text += f" emit {spec['emit']}"
    return text + (f" late into {late}" if late else "")


def fields_of(spec, count):
    """What is aggregated: the second of two windows takes counts."""
    key = "k, " if spec["keyed"] else ""
    times = "" if spec["kind"] == "count" else "start: window.start, end: window.end, "
    return f"{{ {key}{times}n: count(), s: sum({count}), xs: collect({count}) }}"


def program(specs, is_merged):
    lines = ["record Row { k: string, x: int, at: timestamp unit s }", "param lag: duration"]
    if is_merged:
        lines += ['source a: Row = file("in.csv", csv) |> time by at lag lag',
                  'source b: Row = file("more.csv", csv) |> time by at lag lag', "stream rows = a |> merge b"]
    else:
        lines.append('source rows: Row = file("in.csv", csv) |> time by at lag lag')
    for i, spec in enumerate(specs):
        late = f"late{i}" if spec["late"] else None
        lines.append(f'sink out{i} = file("out{i}", jsonl)')
        if late:
            lines += [f'sink to{late} = file("{late}", jsonl)', f"{late} |> map {{ k, x, at }} |> into to{late}"]
        key = " |> key by k" if spec["keyed"] else ""
        lines.append(f"stream w{i} = rows{key} |> window {window_text(spec, late)} |> aggregate {fields_of(spec, 'x')}")
        last = f"w{i}"
        if spec["chain"]:
            last = f"v{i}"
            chain = spec["chain"]
            lines.append(f"stream v{i} = w{i} |> key by k |> window {window_text(chain, None)} |> aggregate {fields_of(chain, 'n')}")
        lines.append(f"{last} |> map {{ ..it, at: time() }} |> into out{i}")
    return "\n".join(lines) + "\n"


# -- logs

def log(r, count):
    rows, now = [], r.randrange(-60, 60)
    for _ in range(count):
        now += r.choice([0, 0, 0, 1, 1, 2, 9, 30]) if r.random() < 0.6 else 0
        back = r.choice([0, 0, 0, 0, 1, 2, 4, 15, 60])
        rows.append((r.choice("aaaabbc"), r.randrange(100), now - back))
    return rows


def expected(specs, logs, lag):
    """What stands in the files when all has been read, one log behind the other, and flushed. The clock is the least of
    the watermarks of logs that have not ended, so it waits for the last one to begin."""
    pipelines = [Pipeline(spec) for spec in specs]
    for i, rows in enumerate(logs):
        mark = -NEVER
        for number, (k, x, t) in enumerate(rows):
            rises = (t - lag) * SECOND > mark
            mark = max(mark, (t - lag) * SECOND)
            for spec, pipeline in zip(specs, pipelines):
                if rises and i == len(logs) - 1:
                    for window in pipeline.windows:
                        window.advance(mark)
                pipeline.windows[0].push(k if spec["keyed"] else None, (t * SECOND, (i, number), x, k))
    files = {}
    for i, pipeline in enumerate(pipelines):
        for window in pipeline.windows:
            window.flush()
        files[f"out{i}"], files[f"late{i}"] = pipeline.lines, pipeline.late_lines if specs[i]["late"] else []
    return {name: "".join(line + "\n" for line in lines) for name, lines in files.items()}


# -- playing

def write_log(folder, rows, name="in.csv"):
    (folder / name).write_text("k,x,at\n" + "".join(f"{k},{x},{t}\n" for k, x, t in rows))


def run(binary, folder, arguments, block, kill=0):
    env = dict(os.environ)
    if block:
        env["FLOW_BLOCK_BYTES"] = str(block)
    if kill:
        env |= {"LD_PRELOAD": str(_crash.library()), "CRASHPOINT_AT": str(kill)}
    return subprocess.run([binary, *arguments], cwd=folder, env=env, capture_output=True, text=True)


def compare(label, folder, wanted, done):
    if done.returncode != 0:
        sys.exit(f"{label}: exit {done.returncode}\n{done.stderr}")
    for name, text in wanted.items():
        got = (folder / name).read_text() if (folder / name).exists() else ""
        if got == text:
            continue
        lines = zip(text.splitlines() + ["(end)"], got.splitlines() + ["(end)"])
        first = next((i, w, g) for i, (w, g) in enumerate(lines) if w != g)
        sys.exit(f"{label}, {name}, line {first[0] + 1}:\n  wanted {first[1]}\n  got    {first[2]}\n"
                 + "kept in " + keep(folder))


def keep(folder):
    kept = Path(tempfile.gettempdir()) / "window_oracle_failure"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(folder, kept)
    return str(kept)


def fresh(folder):
    for path in list(folder.glob("out*")) + list(folder.glob("late*")):
        path.unlink()
    shutil.rmtree(folder / "db", ignore_errors=True)


def play(binary, folder, specs, is_merged, seed):
    r = random.Random(seed)
    logs, lag = [log(r, r.randrange(1, 120)) for _ in range(1 + is_merged)], r.choice([0, 0, 1, 3, 10])
    wanted = expected(specs, logs, lag)
    options = ["--lag", f"{lag}s"]
    for rows, name in zip(logs, ("in.csv", "more.csv")):
        write_log(folder, rows, name)
    for workers, block in ((1, 0), (1, 40), (2, 25), (4, 0)):
        fresh(folder)
        done = run(binary, folder, ["-w", str(workers), *options], block)
        compare(f"seed {seed}, {workers} workers, blocks of {block}", folder, wanted, done)
    if _crash.library():
        play_killed(binary, folder, wanted, options, r, seed)
    if not is_merged:
        play_twice(binary, folder, logs[0], wanted, options, r, seed)


def play_twice(binary, folder, rows, wanted, options, r, seed):
    """In two runs, of other numbers of workers: nothing is flushed in between, and nothing becomes late."""
    fresh(folder)
    cut = r.randrange(len(rows) + 1)
    write_log(folder, rows[:cut])
    done = run(binary, folder, ["-d", "db", "-w", "2", "--at-end", "keep", *options], 30)
    write_log(folder, rows)
    if done.returncode == 0:
        done = run(binary, folder, ["-d", "db", "-w", "1", "--at-end", "flush", *options], 0)
    compare(f"seed {seed}, stopped behind {cut} rows", folder, wanted, done)


def play_killed(binary, folder, wanted, options, r, seed):
    """Killed at some of its calls, and resumed, with other workers and blocks each time."""
    fresh(folder)
    turn = r.choice([["--epoch-records", "1"], ["--epoch-records", "7"]])
    for attempt in range(12):
        workers, kill = r.choice("124"), r.randrange(1, 60) * (attempt + 1) if attempt < 11 else 0
        words = ["-d", "db", "-w", workers, "--at-end", "flush", *turn, *options]
        done = run(binary, folder, words, r.choice([0, 25, 90]), kill)
        if done.returncode == 0:
            break
    compare(f"seed {seed}, killed and resumed", folder, wanted, done)


def compile_flow(folder):
    """Warnings about gaps between windows are meant."""
    done = subprocess.run([FLOWCC, "windows.flow", "-o", "windows"], cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(PROGRAMS):
            specs = [window_spec(random.Random(f"{SEED + number} {i}")) for i in range(8)]
            is_merged = number % 3 == 1
            (folder / "windows.flow").write_text(program(specs, is_merged))
            compile_flow(folder)
            for seed in range(LOGS):
                play(folder / "windows", folder, specs, is_merged, (SEED + number) * 1000 + seed)
    print(f"{PROGRAMS * LOGS} logs through 8 windows, each in 5 or 6 ways, as the oracle says")


main()
