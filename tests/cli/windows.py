"""What windows leave behind: a row for each key that has an open window and for no other, and a count of late items."""

import json

from harness.base import Failure, check_equal

HEAD = """\
record Row { who: int, at: timestamp unit s }
source rows: Row = file("rows.csv", csv) |> time by at lag 2s
sink out = file("out.jsonl", jsonl)
"""
COUNT, LAST = 3000, 100_000

# A window, and how many of the last keys, of which one comes each second, it must still know.
WINDOWS = [
    ("tumbling 10s", range(2, 13)),
    ("sliding 10s every 3s", range(10, 16)),
    ("sliding 2s every 5s", range(0, 6)),
    ("session gap 5s", range(6, 10)),
    ("tumbling 10s allow 20s", range(22, 34)),
    ("sliding 10s every 3s emit on change", range(10, 16)),
    ("session gap 5s allow 20s", range(26, 30)),
    ("session gap 5s allow 20s emit on change", range(26, 30)),
    ("count 1", range(0, 1)),
]


def summary(result):
    return json.loads(result.err.decode().splitlines()[-1])


def rows_of(box):
    lines = box.run(box.tools.flowcc, "state", "ls", "db", "--json").out.splitlines()
    return {saved["name"]: saved["rows"] for saved in map(json.loads, lines) if "rows" in saved}


def test_keys_without_an_open_window_leave_nothing(box):
    """Each key comes once, and each second one much too late for its own time as well."""
    lines = []
    for n in range(COUNT):
        lines.append(f"{n},{LAST - COUNT + n}\n")
        if n > 100:
            lines.append(f"{COUNT + n},{LAST - COUNT + n - 90}\n")
    box.write("rows.csv", "who,at\n" + "".join(lines))
    text = HEAD
    for number, (window, _) in enumerate(WINDOWS):
        text += f"stream made{number} = rows |> key by who |> window {window} |> aggregate count()\nmade{number} |> into out\n"
    program = box.compile(text)
    box.run(program, "-d", "db", "--at-end", "keep", "-w", "2")
    kept = rows_of(box)
    for number, (window, rows) in enumerate(WINDOWS):
        if kept[f"made{number}.aggregate"] not in rows:
            raise Failure(f"window {window}: {kept[f'made{number}.aggregate']} rows are kept, not one of {rows}")
    box.run(program, "-d", "db", "--at-end", "flush")
    kept = rows_of(box)
    check_equal([0] * len(WINDOWS), [kept[f"made{n}.aggregate"] for n in range(len(WINDOWS))], "rows after a flush")


def test_late_items_are_counted(box):
    box.write("rows.csv", "who,at\n1,0\n2,20\n3,1\n4,9\n5,18\n6,40\n7,20\n")
    program = box.compile(HEAD + "stream made = rows |> window tumbling 10s |> aggregate count()\nmade |> into out\n")
    check_equal(3, summary(box.run(program, "--summary", "json"))["late"], "late items")
    into = HEAD + "stream made = rows |> window tumbling 10s late into slow |> aggregate count()\n"
    result = box.run(box.compile(into + "made |> into out\nslow |> into stdout\n", "into"), "--summary", "json")
    check_equal(0, summary(result)["late"], "late items that go somewhere")
    check_equal(3, len(result.out.splitlines()), "rows of the late stream")
