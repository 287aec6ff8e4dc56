"""Word count over a polled directory: files that appear, grow and move while the program runs."""

import json
import shutil
import signal
import time

from harness.base import Failure, Skip, check_equal, check_match
from harness.words import FAST, RESULT, check_counts, counts, lines, put

def test_files_appear_and_the_program_is_stopped(box):
    box.compile(FAST, "wordcount")
    put(box, "inputs/1.csv", ["abc", "def", "foo"])
    with box.start("./wordcount", "-d", "db") as program:
        program.wait_for(lambda: counts(box) == {"abc": 1, "def": 1, "foo": 1}, "the first counts")
        put(box, "inputs/2.csv", ["foo", "xyz"])
        program.wait_for(lambda: counts(box).get("xyz") == 1, "the second file")
        program.end(signal.SIGTERM)
    check_counts(box, {"abc": 1, "def": 1, "foo": 2, "xyz": 1})
    before = len(lines(box))
    put(box, "inputs/3.csv", ["abc", "xxx"])
    with box.start("./wordcount", "-d", "db") as program:
        program.wait_for(lambda: counts(box).get("xxx") == 1, "the third file")
        put(box, "inputs/4.csv", ["foo"])
        program.wait_for(lambda: counts(box)["foo"] == 3, "the fourth file")
        program.end(signal.SIGTERM)
    appended = [json.loads(line) for line in lines(box)[before:]]
    expected = [{"word": "abc", "count": 2}, {"word": "xxx", "count": 1}, {"word": "foo", "count": 3}]
    if appended != expected:
        raise Failure(f"the second run appended {appended}, not {expected}")


def test_interrupt_from_the_keyboard(box):
    box.compile(FAST, "wordcount")
    put(box, "inputs/1.csv", ["abc"])
    with box.start("./wordcount", "-d", "db") as program:
        program.wait_for(lambda: counts(box) == {"abc": 1}, "the counts")
        program.end(signal.SIGINT)


def test_quoted_newlines_early_names_and_growth(box):
    box.compile(FAST, "wordcount")
    box.write("inputs/5.csv", 'word\n"two\nlines"\nabc\n')
    with box.start("./wordcount", "-d", "db") as program:
        program.wait_for(lambda: counts(box) == {"two\nlines": 1, "abc": 1}, "a quoted field")
        put(box, "inputs/1.csv", ["early"])
        program.wait_for(lambda: "early" in counts(box), "a file with an earlier name")
        box.append("inputs/5.csv", "grown\n")
        program.wait_for(lambda: counts(box).get("grown") == 1, "a file that grows")
        program.end(signal.SIGTERM)
    check_counts(box, {"two\nlines": 1, "abc": 1, "early": 1, "grown": 1})


def records_left(box):
    """How many records a run would read that goes on from a copy of what is saved now."""
    for name in ("copy", "copy.jsonl"):
        if (box.path / name).exists():
            box.remove(name)
    shutil.copytree(box.path / "db", box.path / "copy")
    result = box.run("./wordcount", "-d", "copy", "--once", "--sink", "result=copy.jsonl",
                     "--summary", "json", exit=None)
    return json.loads(result.err)["in"] if result.code == 0 else None


def test_what_comes_during_a_commit_is_saved_without_a_further_event(box):
    """The disk is slow, so a file is counted while the commit of the one before it is under way."""
    if not box.tools.can_crash:
        raise Skip("needs the crash library")
    box.compile(FAST, "wordcount")
    slow = {"LD_PRELOAD": str(box.tools.crashpoint), "CRASHPOINT_SLOW": "100"}
    put(box, "inputs/1.csv", ["abc"])
    with box.start("./wordcount", "-d", "db", env=slow) as program:
        for n in range(2, 6):
            program.wait_for(lambda: counts(box).get("abc") == n - 1, "a count")
            put(box, f"inputs/{n}.csv", ["abc"])
        program.wait_for(lambda: records_left(box) == 0, "the last commit")
        program.end(signal.SIGTERM)
    check_counts(box, {"abc": 5})
    check_equal("0", str(records_left(box)), "records that were not saved")


def test_a_failed_commit_ends_a_run_that_waits_for_input(box):
    if not box.tools.can_crash:
        raise Skip("needs the crash library")
    box.compile(FAST, "wordcount")
    put(box, "inputs/1.csv", ["abc"])
    box.run("./wordcount", "-d", "db", "--once")
    put(box, "inputs/2.csv", ["abc"])
    shutil.copytree(box.path / "db", box.path / "saved")
    for at in range(3, 9):
        fails = {"LD_PRELOAD": str(box.tools.crashpoint), "CRASHPOINT_FAIL": f"{at}+,EIO"}
        with box.start("./wordcount", "-d", "db", env=fails) as program:
            check_equal("74", str(program.process.wait(60)), f"exit code with errors from call {at} on")
        box.run("./wordcount", "-d", "db", "--once")
        check_counts(box, {"abc": 2})
        box.remove("db")
        shutil.copytree(box.path / "saved", box.path / "db")


def bytes_read(pid):
    with open(f"/proc/{pid}/io") as file:
        return int(dict(line.split(": ") for line in file)["rchar"])


def test_appending_a_row_reads_about_a_row(box):
    box.compile(FAST, "wordcount")
    put(box, "inputs/big.csv", (f"word{n % 1000}" for n in range(2_000_000)))
    with box.start("./wordcount", "-d", "db") as program:
        program.wait_for(lambda: counts(box).get("word999") == 2000, "the big file", 60)
        time.sleep(0.2)
        before = bytes_read(program.pid)
        box.append("inputs/big.csv", "more\n")
        program.wait_for(lambda: counts(box).get("more") == 1, "the appended row")
        read = bytes_read(program.pid) - before
        program.end(signal.SIGTERM)
    if read > 1_000_000:
        raise Failure(f"{read} bytes were read for one row")
    # A later run finds its place without reading the file again.
    box.append("inputs/big.csv", "again\n")
    with box.start("./wordcount", "-d", "db") as program:
        program.wait_for(lambda: counts(box).get("again") == 1, "the row appended between the runs")
        read = bytes_read(program.pid)
        program.end(signal.SIGTERM)
    if read > 4_000_000:
        raise Failure(f"{read} bytes were read for one row after a restart")


MOVED = """
record Row { word: string from "term" }

source rows: Row = dir("elsewhere/", jsonl, poll: 20ms)
sink result      = file("result.jsonlines", jsonl)

rows
  |> key by word
  |> state count: int = 0 { count += 1 }
     on epoch { emit { word: key, count } }
  |> into result
"""


def test_the_source_moves_and_changes_its_format(box):
    box.compile(FAST, "wordcount")
    put(box, "inputs/1.csv", ["abc", "foo", "foo"])
    box.run("./wordcount", "-d", "db", "--once")
    box.compile(MOVED, "wordcount")
    put(box, "elsewhere/1.jsonl", ['{"term": "foo"}', '{"term": "new"}'], header="")
    box.run("./wordcount", "-d", "db", "--once")
    check_counts(box, {"abc": 1, "foo": 3, "new": 1})
    box.run("./wordcount", "-d", "db", "--once")
    check_equal("4", str(len(lines(box))), "number of lines")


def snapshot(box, folder):
    return {str(p): (p.read_bytes() if p.is_file() else b"") for p in sorted((box.path / folder).rglob("*"))
            if "lock" not in p.name}


def test_a_changed_type_is_refused_before_anything_is_touched(box):
    box.compile(FAST, "wordcount")
    put(box, "inputs/1.csv", ["1", "2"])
    box.run("./wordcount", "-d", "db", "--once")
    state, output = snapshot(box, "db"), box.read(RESULT)
    put(box, "inputs/2.csv", ["3"])
    changed = FAST.replace("word: string", "word: int")
    box.compile(changed[:changed.index("\ntest ")], "wordcount")  # the tests are about words
    result = box.run("./wordcount", "-d", "db", "--once", exit=78)
    check_match(["count", "string", "int"], result.err)
    if snapshot(box, "db") != state:
        raise Failure("the state directory was changed by a run that was refused")
    check_equal(output, box.read(RESULT), RESULT)
    box.compile(FAST, "wordcount")
    box.run("./wordcount", "-d", "db", "--once")
    check_counts(box, {"1": 1, "2": 1, "3": 1})
