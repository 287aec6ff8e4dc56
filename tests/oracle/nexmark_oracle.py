#!/usr/bin/env python3
"""NEXMark: the events beside those of Apache Beam's generator, and the queries beside SQLite.

    nexmark_oracle.py [FLOWCC [COUNT …]]     FULL=1 in the environment: 100,000 events, too

Each flow of examples/nexmark runs over its first COUNT events, with one worker and with several, in two runs over one
state directory, and killed and resumed: the rows must be those of the query in SQL, and the same bytes each time. Then
those with state, windows or joins run over a file of the same events out of their order, and slower, so that there are
many windows.
"""

import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import _crash  # noqa: E402
from nexmark import over_csv, programs, queries, tables  # noqa: E402

# MD5 of the first events of Beam's generator, as CSV.
HASHES = {10_000: "0f8886846dc44edc2e2f7d4b7c3492c8", 100_000: "71d2e166886d48a84ecadd7d7ba47bde",
          1_000_000: "e7f4197aa49b713adecb733e98030807"}
COUNTS = [300, 10_000]
FULL_COUNT = 100_000
DISORDERED = 6000  # events of the file,
DISORDER = 100     # each of them so many events late at most,
SLOWNESS = 100     # and so many times slower: a second of lateness, and ten windows of ten seconds
FLUSH = ["--at-end", "flush"]


def fail(name, what, why):
    sys.exit(f"{name}, {what}: {why}")


def check_hashes(folder):
    program = programs.build("events", folder)
    for count, expected in HASHES.items():
        for args, env in ((["-w", 1], {}), (["-w", 3], {"FLOW_BLOCK_BYTES": "65536"})):
            found = hashlib.md5(programs.run(program, "--events", count, *args, env=env)).hexdigest()
            if found != expected:
                fail("events", f"{count} events {args}", f"their MD5 is {found}, not {expected}")


# -- rows ------------------------------------------------------------------------------------


def rows_of(output):
    """Printed rows; numbers with a fraction stay text, so that no digit gets lost."""
    return [json.loads(line, parse_float=str) for line in output.decode().splitlines()]


def in_any_order(rows):
    return sorted(json.dumps(dict(sorted(row.items()))) for row in rows)


def compare(name, what, output, expected):
    found = rows_of(output)
    if name in queries.BY_CLOCK:
        found = queries.without_clock(name, found)
    if not queries.is_ordered(name):
        found, expected = in_any_order(found), in_any_order(expected)
    if found != expected:
        pairs = zip(found + [None], expected + [None])
        wrong = next((f, e) for f, e in pairs if f != e)
        fail(name, what, f"{len(found)} rows for {len(expected)}; the first other one is\n{wrong[0]}\nexpected\n{wrong[1]}")


# -- runs that must print the same -----------------------------------------------------------


class Subject:
    """A program, the arguments that say what it reads, and what it prints with one worker."""

    def __init__(self, name, what, program, *args):
        self.name, self.what, self.program, self.args = name, what, program, args
        self.output = programs.rows(program, *args, "-w", 1)

    def state(self):
        """A new state directory."""
        return tempfile.mkdtemp(suffix=".db", dir=self.program.parent)

    def expect(self, how, output):
        if output != self.output:
            fail(self.name, self.what, f"{how} it prints something else")

    def check_workers(self):
        for workers, block in ((2, "65536"), (4, "4096")):
            output = programs.rows(self.program, *self.args, "-w", workers, env={"FLOW_BLOCK_BYTES": block})
            self.expect(f"with {workers} workers and blocks of {block} bytes", output)

    def check_crashes(self, points, epoch):
        """Kills the program at `points` calls that change something, the last one as the end of the input is flushed."""
        library = _crash.library()
        if library is None:
            return
        args = [*self.args, *FLUSH, "--epoch-records", epoch]
        counter = self.program.parent / "calls"
        env = {"LD_PRELOAD": str(library), "CRASHPOINT_COUNT_FILE": str(counter)}
        self.expect("with a state directory", programs.rows(self.program, *args, "-d", self.state(), env=env))
        calls = int(counter.read_text())
        for point in range(points):
            at = max(1, calls * (point + 1) // points - 1)
            state = self.state()
            killed = programs.run(self.program, *args, "-d", state, "-w", 1 + point % 3, code=-9,
                                  env={"LD_PRELOAD": str(library), "CRASHPOINT_AT": str(at)})
            resumed = programs.run(self.program, *args, "-d", state, "-w", 1 + (point + 1) % 3)
            self.check_resumed(f"killed at call {at} of {calls}", killed, resumed + programs.rows_of_files(self.program))

    def check_resumed(self, how, killed, resumed):
        """The second run goes on where the first one was killed, or before."""
        is_whole = self.output.startswith(killed) and self.output.endswith(resumed)
        if not is_whole or len(killed) + len(resumed) < len(self.output):
            fail(self.name, self.what, f"{how}, it printed {len(killed)} bytes and then {len(resumed)},"
                                       f" not all of {len(self.output)}")


def check_two_runs(subject, few, many):
    """The second run finds more input. Two sources then take turns in another way, so rows may come in another order."""
    state = subject.state()
    first = programs.run(subject.program, *few, "-d", state)
    twice = first + programs.rows(subject.program, *many, "-d", state, *FLUSH)
    if programs.text_of(subject.name).count("\nsource ") == 1:
        subject.expect("in two runs", twice)
    elif sorted(twice.splitlines()) != sorted(subject.output.splitlines()):
        fail(subject.name, subject.what, "two runs print other rows than one")


# -- the checks ------------------------------------------------------------------------------


def check_generated(name, program, count, expected):
    subject = Subject(name, f"{count} events", program, "--events", count)
    compare(name, subject.what, subject.output, expected)
    if name in queries.BY_CLOCK:
        return
    subject.check_workers()
    check_two_runs(subject, ["--events", count // 2], ["--events", count])
    if count == COUNTS[-1]:
        subject.check_crashes(2, count // 7)


def slower(fields):
    """The event with its times SLOWNESS times as far from the start of all."""
    for i in {"P": [7], "A": [6, 7], "B": [4]}[fields[0]]:
        fields[i] = str(tables.START_MS + SLOWNESS * (int(fields[i]) - tables.START_MS))
    return ",".join(fields)


def out_of_order(lines):
    rng = random.Random(DISORDER)
    places = [i + rng.uniform(0, DISORDER) for i in range(len(lines))]
    return [slower(line.split(",")) for _, line in sorted(zip(places, lines))]


def check_disorder(name, folder, lines, expected):
    folder = folder / f"{name}-csv"
    folder.mkdir()
    shutil.copy(programs.EXAMPLES / "side_input.csv", folder)
    events = folder / "events.csv"
    program = programs.build(f"{name}_csv", folder, over_csv.replaced(programs.text_of(name), "events.csv"), "-O", "0")
    events.write_text("\n".join(lines) + "\n")
    subject = Subject(name, "out of order", program)
    compare(name, subject.what, subject.output, expected)
    if name in queries.BY_CLOCK:
        return
    subject.check_workers()
    subject.check_crashes(1, len(lines) // 7)
    half = folder / "half.csv"
    half.write_text("\n".join(lines[:len(lines) // 2]) + "\n")
    state = subject.state()
    os.replace(half, events)
    first = programs.run(program, "-d", state)
    with events.open("a") as file:
        file.write("\n".join(lines[len(lines) // 2:]) + "\n")
    subject.expect("in two runs", first + programs.rows(program, "-d", state, *FLUSH))
    shutil.rmtree(folder)


def names_of_flows():
    return sorted((p.stem for p in programs.EXAMPLES.glob("q*.flow")), key=lambda name: int(name[1:]))


def counts():
    if len(sys.argv) > 2:
        return [int(count) for count in sys.argv[2:]]
    return COUNTS + ([FULL_COUNT] if os.environ.get("FULL") else [])


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        check_hashes(folder)
        shutil.copy(programs.EXAMPLES / "side_input.csv", folder)
        side_input = tables.side_input(programs.EXAMPLES)
        events = programs.build("all", folder, over_csv.with_channels(programs.text_of("events")))
        flows = {name: programs.build(name, folder) for name in names_of_flows()}
        for count in counts():
            db = tables.load(programs.run(events, "--events", count).decode().splitlines(), side_input)
            for name, program in flows.items():
                expected = tables.answer(db, name)
                if count == 1_000_000 and len(expected) != queries.ROWS.get(name, len(expected)):
                    fail(name, "in SQL", f"{len(expected)} rows, not {queries.ROWS[name]}")
                check_generated(name, program, count, expected)
        lines = out_of_order(programs.run(events, "--events", DISORDERED).decode().splitlines())
        db = tables.load(lines, side_input)
        for name in flows:
            if not queries.is_ordered(name):  # the others answer each bid by itself
                check_disorder(name, folder, lines, tables.answer(db, name))


if __name__ == "__main__":
    main()
