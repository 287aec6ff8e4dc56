"""Deadlines that come while nothing else happens: the run waits for input, or did not run at all."""

import json
import signal

from harness.base import Failure, check_equal, check_match

SESSIONS = """\
record Click { user: string }
source clicks: Click = dir("clicks/", csv, poll: 1h)
sink ends = file("ends.jsonl", jsonl)
clicks
  |> key by user
  |> state count: int = 0 expires 300ms { count += 1 }
     on expire { emit { user: key, count } }
  |> into ends
"""

TICKS = """\
source words: string = dir("words/", text, poll: 1h)
sink ticks = file("ticks.txt", text)
words
  |> key by it
  |> state next: timestamp? = none { next = now() + 50ms }
     on at next {
       emit key
       next = if let before = next then before + 50ms else none
     }
  |> into ticks
"""


def lines(box, name):
    path = box.path / name
    return path.read_text().splitlines() if path.exists() else []


def ends(box):
    return [json.loads(line) for line in lines(box, "ends.jsonl")]


def test_keys_expire_while_no_record_comes(box):
    box.compile(SESSIONS, "sessions")
    box.write("clicks/1.csv", "user\na\nb\na\n")
    expected = [{"user": "a", "count": 2}, {"user": "b", "count": 1}]
    for args in ((), ("-d", "db"), ("-d", "db4", "-w", "4")):
        with box.start("./sessions", *args) as program:
            program.wait_for(lambda: len(ends(box)) == 2, "both keys to expire")
            program.end(signal.SIGTERM)
        if ends(box) != expected:
            raise Failure(f"{args}: {ends(box)} is not {expected}")
        (box.path / "ends.jsonl").unlink()
    for name in ("db", "db4"):
        check_equal(b"", box.run(box.tools.flowcc, "state", "dump", name, "count").out, "what is left")
        check_match(["epoch +1"], box.run(box.tools.flowcc, "state", "verify", name).out, "epochs")


def test_a_deadline_that_came_while_the_program_was_down(box):
    """It fires as soon as the run waits, also after kill -9, and only once."""
    box.compile(SESSIONS.replace("300ms", "1500ms"), "sessions")
    box.write("clicks/1.csv", "user\na\n")
    with box.start("./sessions", "-d", "db") as program:
        def is_saved():
            return b"a" in box.run(box.tools.flowcc, "state", "dump", "db", exit=None).out
        program.wait_for(is_saved, "the first commit")
        program.process.kill()
        program.process.wait()
    with box.start("./sessions", "-d", "db") as program:
        program.wait_for(lambda: len(ends(box)) == 1, "the key to expire")
        program.end(signal.SIGTERM)
    box.run("./sessions", "-d", "db", "--once")
    if ends(box) != [{"user": "a", "count": 1}]:
        raise Failure(f"{ends(box)}")


def test_nothing_new_means_nothing_fires(box):
    """A bounded run without a record is no epoch (--once); the next record brings what is due."""
    box.compile(SESSIONS.replace("300ms", "1ms"), "sessions")
    box.write("clicks/1.csv", "user\na\n")
    box.run("./sessions", "-d", "db", "--once")
    box.run("./sessions", "-d", "db", "--once")
    check_equal("[]", str(ends(box)))
    box.write("clicks/2.csv", "user\na\n")
    box.run("./sessions", "-d", "db", "--once")
    if ends(box) != [{"user": "a", "count": 1}]:
        raise Failure(f"{ends(box)}")


def test_a_timer_that_sets_itself_again(box):
    box.compile(TICKS, "ticks")
    box.write("words/1.txt", "x\n")
    with box.start("./ticks", "-d", "db") as program:
        program.wait_for(lambda: len(lines(box, "ticks.txt")) >= 3, "three ticks")
        program.end(signal.SIGTERM)
    before = len(lines(box, "ticks.txt"))
    with box.start("./ticks", "-d", "db") as program:
        program.wait_for(lambda: len(lines(box, "ticks.txt")) > before + 2, "more of them")
        program.end(signal.SIGTERM)
    if set(lines(box, "ticks.txt")) != {"x"}:
        raise Failure("something else was written")
