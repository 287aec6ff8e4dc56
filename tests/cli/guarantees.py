"""flowcc check: what a crash may cost, for each way from a source to a sink. (That it is true is what the suite
`crash` shows: files as after an undisturbed run, stdout going on at, or before, the place it had reached.)"""

import json

from harness.base import check_equal

LIVE = """\
source lines: string = stdin(text)
source words: string = dir("words/", text, poll: 1s) else into bad
source table: string = file("table.txt", text)
sink out = file("out.txt", text)
sink dead = file("dead.jsonl", jsonl)
sink old = file("old.txt", text)
lines |> into out
lines |> into stdout
words |> map lower(it) |> into out
bad |> into dead
table |> into old
"""
EPOCHS = """\
source words: string = file("words.txt", text)
sink out = file("out.txt", text)
sink plain = file("plain.txt", text)
sink stamped = file("stamped.jsonl", jsonl)
fn stamp(s: string) -> string = f"{now()} {s}"
words |> map stamp(it) |> into stamped
words |> map upper(it) |> into plain
words |> key by it |> state count: int = 0 { count += 1 } on epoch { emit count } |> into out
words |> filter epoch() > 0 |> into out
words
  |> key by it
  |> state seen: int = 0 { seen += 1; emit f"{epoch()} {seen}" }
  |> into stdout
sink young = file("young.txt", text)
words |> key by it |> state age: int = 0 expires 1h { age += 1; emit age } |> into young
sink timed = file("timed.txt", text)
words
  |> key by it
  |> state next: timestamp? = none { next = @2024-01-01T00:00:00Z }
     on at next { emit key; forget }
  |> into timed
"""


IDLE = """\
record Row { id: string, at: timestamp }
source left: Row = dir("left/", csv, poll: 1s) |> time by at idle after 30s
source right: Row = file("right.csv", csv) |> time by at
sink out = file("out.jsonl", jsonl)
sink plain = file("plain.jsonl", jsonl)
left |> key by id |> state n: int = 0 expires 1h { n += 1; emit n } |> into stdout
stream all = left |> merge right
all |> key by id |> state both: int = 0 expires 1h { both += 1; emit both } |> into out
left |> map id |> into plain
"""


def promises(box, text):
    box.write("f.flow", text)
    rows = map(json.loads, box.run(box.tools.flowcc, "check", "f.flow", "--message-format=json").out.splitlines())
    return {f"{r['source']} -> {r['sink']}": (r["guarantee"], r["depends_on_epochs"]) for r in rows if "sink" in r}


def show(found):
    return "".join(f"{way}: {promise}; {epochs}\n" for way, (promise, epochs) in sorted(found.items()))


def test_sources_and_sinks(box):
    meets = "`{}` is live and meets `{}`"
    check_equal(show({
        "lines -> out": ("at most once", meets.format("lines", "words")),
        "lines -> stdout": ("at most once", None),
        "words -> out": ("exactly once", meets.format("words", "lines")),
        "words -> dead": ("exactly once", None),
        "table -> old": ("exactly once", None),
    }), show(promises(box, LIVE)), "guarantees")


def test_what_depends_on_epochs(box):
    check_equal(show({
        "words -> stamped": ("exactly once", "the `map` at line 6 asks for epoch() or now()"),
        "words -> plain": ("exactly once", None),
        "words -> out": ("exactly once", "`count` has `on epoch`"),
        "words -> young": ("exactly once", "`age` has `expires`"),
        "words -> timed": ("exactly once", "`next` has `on at`"),
        "words -> stdout": ("at least once", "`seen` asks for epoch() or now()"),
    }), show(promises(box, EPOCHS)), "guarantees")


def test_idle_streams(box):
    """What meets a stream that may be idle depends on epochs, and not what this stream does alone."""
    idle = "`both` does not wait for a stream with `idle after`"
    check_equal(show({
        "left -> out": ("exactly once", idle),
        "right -> out": ("exactly once", idle),
        "left -> plain": ("exactly once", None),
        "left -> stdout": ("at least once", None),
    }), show(promises(box, IDLE)), "guarantees")


def test_a_generated_source(box):
    check_equal("events -> stdout: at least once; None\n",
                show(promises(box, "enum Event { bid(auction: int, price: int) }\n"
                              "source events: Event = nexmark(events: 9)\nevents |> into stdout\n")), "guarantees")


def test_text(box):
    box.write("f.flow", "source words: string = file(\"words.txt\", text)\nsink o = file(\"o.txt\", text)\n"
              "words |> into stdout\nwords |> map f\"{epoch()}\" |> into o\n")
    check_equal("""\
flow f, with a state directory (-d DIR), after a crash:
  words -> stdout  at least once  lines since the last commit come again; after an ordinary stop none do
  words -> o       exactly once   the input is read again from the last commit, and the file cut back to it
                                  and what is written depends on where epochs end: the `map` at line 4 asks for epoch() or now()
""", box.run(box.tools.flowcc, "check", "f.flow").out, "stdout")


def test_nothing_is_printed_of_a_flow_with_errors(box):
    box.write("f.flow", "source words: string = file(\"words.txt\", text)\nwords |> map wrods |> into stdout\n")
    check_equal(b"", box.run(box.tools.flowcc, "check", "f.flow", exit=1).out, "stdout")
