"""Sinks with a file for each path: many files, files that were taken away or edited, going back, limits."""

import os
import resource
import shutil

from harness.base import Failure, check_equal, check_match

FLOW = """\
record Row { day: int, n: int }
source rows: Row = file("rows.csv", csv)
sink daily = file(f"out/{day}/all.csv", csv)
rows |> into daily
"""
HEADER = "day,n\n"


def make(box, rows, *args, flow=FLOW, **options):
    box.compile(flow, "daily")
    (box.path / "out").mkdir(exist_ok=True)
    box.write("rows.csv", HEADER)
    return more(box, rows, *args, **options)


def more(box, rows, *args, **options):
    box.append("rows.csv", "".join(f"{day},{n}\n" for day, n in rows))
    return box.run("./daily", "-d", "db", *args, **options)


def rows_of(box, day):
    text = (box.path / "out" / str(day) / "all.csv").read_text()
    if not text.startswith(HEADER):
        raise Failure(f"the file of day {day} has no header: {text[:100]!r}")
    return [tuple(map(int, line.split(","))) for line in text[len(HEADER):].splitlines()]


def check_days(box, rows, what):
    for day in sorted({day for day, _ in rows}):
        check_equal([row for row in rows if row[0] == day], rows_of(box, day), f"{what}: day {day}")


def test_more_files_than_may_be_open(box):
    """Rows go round 300 files, with few descriptors and with several workers; again after a resume."""
    rows = [(n * 7 % 300, n) for n in range(3000)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(60, soft), hard))
    try:
        make(box, rows[:1500], "-w", "3", "--epoch-records", "400")
        more(box, rows[1500:], "-w", "1")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    check_days(box, rows, "300 files")
    names = box.run(box.tools.flowcc, "state", "ls", "db").out.decode()
    check_match([r"sink\s+daily\s+300 "], names)


def test_a_file_that_was_taken_away_begins_anew(box):
    make(box, [(1, 1), (2, 2)])
    (box.path / "out/1/all.csv").rename(box.path / "out/archive.csv")
    os.rmdir(box.path / "out/1")
    more(box, [(2, 3)])
    check_equal(False, (box.path / "out/1").exists(), "out/1 without a row")
    more(box, [(1, 4)])
    check_days(box, [(1, 4), (2, 2), (2, 3)], "anew")
    more(box, [(1, 5)])
    check_days(box, [(1, 4), (1, 5), (2, 2), (2, 3)], "and goes on")


def test_a_file_that_was_edited_is_refused(box):
    make(box, [(1, 1), (2, 2), (3, 3)])
    for name, text in (("out/2/all.csv", "day,n\n2,7\n"), ("out/3/all.csv", "day,n\n"), ("out/1/all.csv", "")):
        before = (box.path / name).read_bytes()
        box.write(name, text)
        result = more(box, [(1, 9)], exit=78)
        check_match([name + r" is not what sink `daily` has written", "--sink-restart daily"], result.err)
        check_equal(b"day,n\n1,1\n" if name != "out/1/all.csv" else b"", (box.path / "out/1/all.csv").read_bytes(), "out/1")
        (box.path / name).write_bytes(before)
    more(box, [])
    check_days(box, [(1, 1), (1, 9), (1, 9), (1, 9), (2, 2), (3, 3)], "repaired")


def test_what_others_append_is_cut_off(box):
    make(box, [(1, 1), (2, 2)])
    box.append("out/1/all.csv", "half a li")
    more(box, [(2, 3)])
    check_days(box, [(1, 1), (2, 2), (2, 3)], "cut back")


def test_restart_empties_all(box):
    make(box, [(1, 1), (2, 2)])
    more(box, [(2, 3)], "--sink-restart", "daily")
    check_equal("", (box.path / "out/1/all.csv").read_text(), "out/1")
    check_days(box, [(2, 3)], "restarted")
    more(box, [(1, 4)])
    check_days(box, [(1, 4), (2, 3)], "and goes on")


def test_going_back_cuts_each_file(box):
    rows = [(1, 1), (2, 2), (1, 3), (3, 4), (2, 5)]
    make(box, rows, "--epoch-records", "1", "--retain-epochs", "9")
    more(box, [], "--epoch-records", "1", "--retain-epochs", "9", "--resume-epoch", "2")
    check_days(box, rows, "gone back and on")


def test_going_back_removes_what_came_later(box):
    """The repaired program writes elsewhere: the files of the epochs that were given up must not stay."""
    keep = ["--epoch-records", "1", "--retain-epochs", "9"]
    make(box, [(1, 1), (2, 2), (3, 3), (1, 4)], *keep)
    box.compile(FLOW.replace("{day}", "{if n > 1 then 100 + day else day}"), "daily")
    box.write("out/3/all.csv", "of somebody else, and longer than it was\n")
    more(box, [], *keep, "--resume-epoch", "1")
    check_equal(False, (box.path / "out/2/all.csv").exists(), "the file of day 2")
    check_equal(True, (box.path / "out/3/all.csv").exists(), "the file of day 3, which is not the sink's any more")
    check_equal([(1, 1)], rows_of(box, 1), "day 1")
    for day, n in ((2, 2), (3, 3), (1, 4)):
        check_equal([(day, n)], rows_of(box, 100 + day), f"day {100 + day}")


def test_a_backup_goes_on_with_the_files(box):
    """The state directory is lost: the copy knows how long each file was."""
    copy = ["--backup", f"file://{box.path}/copy"]
    make(box, [(1, 1), (2, 2), (1, 3)], *copy)
    shutil.rmtree(box.path / "db")
    box.append("out/2/all.csv", "2,99\n")
    more(box, [(2, 4), (3, 5)], *copy)
    check_days(box, [(1, 1), (2, 2), (1, 3), (2, 4), (3, 5)], "restored")


def test_it_cannot_be_replaced(box):
    result = make(box, [(1, 1)], "--sink", "daily=x.csv", exit=64)
    check_match(["--sink daily: the path of this sink depends on the item"], result.err)


def test_two_sinks_that_meet_are_refused(box):
    flow = FLOW + 'sink again = file(f"out/{day}/{if n == 2 then "all" else "other"}.csv", csv)\nrows |> into again\n'
    result = make(box, [(1, 1), (1, 2)], flow=flow, exit=75)
    check_match(["another process or sink is writing out/1/all.csv"], result.err)


def test_names_that_the_system_refuses(box):
    flow = FLOW.replace("day: int", "day: string")
    make(box, [("a", 1)], flow=flow)
    result = more(box, [("x" * 300, 2)], exit=70)
    check_match(["a part of it is longer than 255 bytes"], result.err)
    box.write("out/file", "")
    box.write("rows.csv", HEADER + "a,1\nfile,2\n")
    result = box.run("./daily", "-d", "db", exit=73)
    check_match(["cannot write out/file/all.csv", "sink `daily`"], result.err)
