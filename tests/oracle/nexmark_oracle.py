#!/usr/bin/env python3
"""NEXMark: the events beside those of Apache Beam's generator, and the queries beside SQLite.

    nexmark_oracle.py [FLOWCC]             FULL=1 in the environment: a million events, too

Each flow of examples/nexmark runs over the built-in source, in one piece, with several workers, and in two runs
over one state directory; those with state also over a file of the same events out of their order.
"""

import hashlib
import json
import os
import random
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
from nexmark import programs, queries, tables  # noqa: E402

# MD5 of the first events of Beam's generator, as CSV.
HASHES = {10_000: "0f8886846dc44edc2e2f7d4b7c3492c8", 100_000: "71d2e166886d48a84ecadd7d7ba47bde",
          1_000_000: "e7f4197aa49b713adecb733e98030807"}
COUNTS = [300, 6000]
DISORDER = 100  # an event comes at most so many events late
WORKERS = (["-w", 3], {"FLOW_BLOCK_BYTES": "65536"})  # and small blocks


def check_hashes(folder):
    program = programs.build("events", folder)
    for count, expected in HASHES.items():
        for args, env in (["-w", 1], {}), WORKERS:
            found = hashlib.md5(programs.run(program, "--events", count, *args, env=env)).hexdigest()
            if found != expected:
                sys.exit(f"{count} events {args}: their MD5 is {found}, not {expected}")


def rows_of(output):
    """Printed rows; numbers with a fraction stay text, so that no digit gets lost."""
    return [json.loads(line, parse_float=str) for line in output.decode().splitlines()]


def compare(what, name, output, expected):
    found = rows_of(output)
    if not queries.is_ordered(name):
        found, expected = (sorted(map(json.dumps, map(sorted_row, rows))) for rows in (found, expected))
    if found != expected:
        pairs = zip(found + [None], expected + [None])
        wrong = next((f, e) for f, e in pairs if f != e)
        sys.exit(f"{name}, {what}: {len(found)} rows for {len(expected)}; the first other one is\n{wrong[0]}\n"
                 f"expected\n{wrong[1]}")


def sorted_row(row):
    return dict(sorted(row.items()))


def check_generated(name, program, count, expected):
    output = programs.rows(program, "--events", count, "-w", 1)
    compare(f"{count} events", name, output, expected)
    args, env = WORKERS
    if programs.rows(program, "--events", count, *args, env=env) != output:
        sys.exit(f"{name}, {count} events: several workers print something else")
    state = program.parent / f"{name}-{count}.db"
    twice = programs.run(program, "--events", count // 2, "-d", state)
    twice += programs.rows(program, "--events", count, "-d", state, "--at-end", "flush")
    if twice != output:
        sys.exit(f"{name}, {count} events: two runs print something else than one")


def out_of_order(lines):
    rng = random.Random(DISORDER)
    return [line for _, line in sorted((i + rng.uniform(0, DISORDER), line) for i, line in enumerate(lines))]


def write_json(path, lines, takes_bids):
    """The events as a file that a flow can read instead: bids by themselves, or as variants with the others."""
    with path.open("w") as out:
        for kind, row in tables.events(lines):
            if not takes_bids:
                out.write(json.dumps({kind: row}) + "\n")
            elif kind == "bid":
                out.write(json.dumps(row) + "\n")


def check_disorder(name, folder, lines, db):
    text = (programs.EXAMPLES / f"{name}.flow").read_text()
    takes_bids = "record Bid" in text and "enum Event" not in text
    source = folder / f"{name}.jsonl"
    kinds = {"auction", "bid"} if takes_bids else {k for k in ("person", "auction", "bid") if f"\n  {k}(" in text}
    write_json(source, [line for line in lines if tables.COLUMNS[line[0]][0] in kinds], takes_bids)
    text = text.replace("nexmark(events: events)", f"file({json.dumps(str(source))}, jsonl)")
    program = programs.build(f"{name}_file", folder, text)
    compare("out of order", name, programs.rows(program), tables.answer(db, name))


def names_of_flows():
    return sorted((p.stem for p in programs.EXAMPLES.glob("q*.flow")), key=lambda name: int(name[1:]))


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        check_hashes(folder)
        text = (programs.EXAMPLES / "events.flow").read_text()
        last = 'extra: string) from "B"'
        events = programs.build("all", folder, text.replace(last, last.replace(")", ", channel: string, url: string)")))
        flows = {name: programs.build(name, folder) for name in names_of_flows()}
        for count in COUNTS + ([1_000_000] if os.environ.get("FULL") else []):
            lines = programs.run(events, "--events", count).decode().splitlines()
            db = tables.load(lines, tables.side_input(programs.EXAMPLES))
            for name, program in flows.items():
                expected = tables.answer(db, name)
                if count == 1_000_000 and len(expected) != queries.ROWS.get(name, len(expected)):
                    sys.exit(f"{name} in SQL has {len(expected)} rows")
                check_generated(name, program, count, expected)
        lines = out_of_order(programs.run(events, "--events", COUNTS[-1]).decode().splitlines())
        db = tables.load(lines, tables.side_input(programs.EXAMPLES))
        for name in flows:
            if not queries.is_ordered(name):  # the others answer each bid by itself
                check_disorder(name, folder, lines, db)


if __name__ == "__main__":
    main()
