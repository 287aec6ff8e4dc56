"""Stopping and going on: signals, repaired inputs, moved and damaged files."""

import os
import re
import shutil
import signal
import time

from harness import flows
from harness.base import EXAMPLES, Failure, Skip, check_equal, check_match

SUM = (EXAMPLES / "running_sum" / "running_sum.flow").read_text()
CART = (EXAMPLES / "cart_join" / "cart_join.flow").read_text()
BEFORE = (EXAMPLES / "cart_join" / "expected-before.txt").read_bytes()
AFTER = (EXAMPLES / "cart_join" / "expected-after.txt").read_bytes()
SEED = (EXAMPLES / "cart_join" / "cart-join.json").read_bytes()


def test_input_repaired_with_sed(box):
    """sed -i writes a new file with the same name: another inode, the same beginning."""
    box.compile(CART, "cart_join")
    box.write("cart-join.json", SEED)
    check_equal(BEFORE, box.run("./cart_join", "-d", "db", exit=65).out, "stdout")
    box.run("sed", "-i", "/^FAIL HERE$/d", "cart-join.json")
    check_equal(AFTER, box.run("./cart_join", "-d", "db").out, "stdout")
    check_equal(b"", box.run("./cart_join", "-d", "db").out, "stdout")


def test_stops_again_without_a_repair(box):
    box.compile(CART, "cart_join")
    box.write("cart-join.json", SEED)
    box.run("./cart_join", "-d", "db", exit=65)
    result = box.run("./cart_join", "-d", "db", exit=65)
    check_equal(b"", result.out, "stdout")
    check_match([r"cart-join\.json:6:1 .*byte 247"], result.err)


def test_renamed_input_goes_on(box):
    box.compile(SUM, "running_sum")
    box.write("numbers.txt", "1\n2\n")
    box.run("./running_sum", "-d", "db")
    box.compile(SUM.replace('"numbers.txt"', '"moved.txt"'), "running_sum")
    (box.path / "numbers.txt").rename(box.path / "moved.txt")
    box.append("moved.txt", "3\n")
    check_equal("('ALL', 6)\n", box.run("./running_sum", "-d", "db").out, "stdout")


def test_replaced_input_is_refused(box):
    """Another file under the same name: reading on in the middle of it would be silent loss."""
    box.compile(SUM, "running_sum")
    box.write("numbers.txt", "1\n2\n")
    box.run("./running_sum", "-d", "db")
    for text in ("7\n8\n9\n", "1\n", ""):
        box.write("numbers.txt", text)
        result = box.run("./running_sum", "-d", "db", exit=66)
        check_equal(b"", result.out, "stdout")
        check_match([r"numbers\.txt"], result.err)
    box.write("numbers.txt", "1\n2\n3\n")
    check_equal("('ALL', 6)\n", box.run("./running_sum", "-d", "db").out, "stdout")


def test_last_line_without_newline_grows(box):
    """`1` was read as a record; when it turns out to be the start of `15`, that is said, not hidden."""
    box.compile(SUM, "running_sum")
    box.write("numbers.txt", "2\n1")
    check_equal("('ALL', 2)\n('ALL', 3)\n", box.run("./running_sum", "-d", "db").out, "stdout")
    box.append("numbers.txt", "5\n")
    result = box.run("./running_sum", "-d", "db", exit=65)
    check_equal(b"", result.out, "stdout")
    check_match(["grew"], result.err)


def test_last_line_without_newline_is_ended_later(box):
    box.compile(SUM, "running_sum")
    box.write("numbers.txt", "2\n1")
    box.run("./running_sum", "-d", "db")
    box.append("numbers.txt", "\n5\n")
    check_equal("('ALL', 8)\n", box.run("./running_sum", "-d", "db").out, "stdout")


def test_edited_sink_is_refused(box):
    """A file sink that is shorter than what was committed, or has other bytes, is not written on."""
    program = SUM.replace("into stdout", "into out").replace(
        "numbers\n  |>", 'sink out = file("out.txt", text)\nnumbers\n  |>', 1)
    program = program[: program.index("\ntest ")]
    box.compile(program, "running_sum")
    box.write("numbers.txt", "1\n2\n")
    box.run("./running_sum", "-d", "db")
    good = box.read("out.txt")
    box.append("numbers.txt", "3\n")
    for text in (good[:-4], good.replace(b"3", b"4"), b""):
        box.write("out.txt", text)
        result = box.run("./running_sum", "-d", "db", exit=78)
        check_match([r"out\.txt"], result.err)
        check_equal(text, box.read("out.txt"), "out.txt")
    box.write("out.txt", good + b"written by a run that crashed\n")
    box.run("./running_sum", "-d", "db")
    check_equal(good + b"('ALL', 6)\n", box.read("out.txt"), "out.txt")


def test_resume_epoch_out_of_range(box):
    box.compile(SUM, "running_sum")
    box.write("numbers.txt", "1\n2\n3\n")
    box.run("./running_sum", "-d", "db", "--epoch-records", "1", "--retain-epochs", "10")
    result = box.run("./running_sum", "-d", "db", "--resume-epoch", "9", exit=78)
    check_match(["9", r"\b3\b"], result.err)
    result = box.run("./running_sum", "-d", "db", "--resume-epoch", "3", "--retain-epochs", "10")
    check_equal(b"", result.out, "stdout")
    result = box.run("./running_sum", "-d", "db", "--resume-epoch", "2", "--retain-epochs", "10")
    check_equal("('ALL', 6)\n", result.out, "stdout")
    result = box.run("./running_sum", "-d", "db", "--resume-epoch", "0", "--retain-epochs", "10")
    check_equal("('ALL', 1)\n('ALL', 3)\n('ALL', 6)\n", result.out, "stdout")


def test_terminated_while_reading_a_pipe(box):
    """SIGTERM: what was read is done and written, exit 0."""
    box.compile("source numbers: int = stdin(text)\nnumbers |> map it + 1 |> into stdout\n", "plus")
    os.mkfifo(box.path / "fifo")
    with box.start("sh", "-c", "exec ./plus < fifo") as program:
        with open(box.path / "fifo", "wb", buffering=0) as pipe:
            pipe.write(b"1\n2\n")
            program.wait_for(lambda: program.output().out == b"2\n3\n", "the first lines")
            program.end(signal.SIGTERM)


def test_sigkill_between_runs_of_a_long_input(box):
    """Real kills at random moments, many of them: stdout goes on at or before the place it reached,
    and the file sink has every line exactly once."""
    count = 200_000
    program = """
source numbers: int = file("numbers.txt", text)
sink out = file("out.txt", text)
numbers |> key by "ALL" |> state total: int = 0 { total += it; emit total } |> into out
"""
    box.compile(program, "sums")
    box.write("numbers.txt", "".join(f"{n % 7}\n" for n in range(count)))
    for kill in range(8):
        with box.start("./sums", "-d", "db", "-s", "1ms") as running:
            time.sleep(0.002 + 0.004 * kill)
            running.process.kill()
            running.process.wait()
    box.run("./sums", "-d", "db")
    total, expected = 0, []
    for n in range(count):
        total += n % 7
        expected.append(f"{total}\n")
    check_equal("".join(expected), box.read("out.txt"), "out.txt")


def test_only_the_state_directory_is_written(box):
    box.compile(SUM, "running_sum")
    box.write("numbers.txt", "1\n")
    box.run("./running_sum", "--local-state-dir", "a-db")
    if not (box.path / "a-db").is_dir():
        raise Failure("no state directory")
    if [p.name for p in box.path.iterdir() if p.name not in ("a-db", "numbers.txt", "running_sum")]:
        raise Failure(f"files that nobody asked for: {list(box.path.iterdir())}")


def test_killed_after_a_sink_was_moved(box):
    """The new file is the sink's own from its first byte on, wherever the run is killed."""
    if not box.tools.can_crash:
        raise Skip("no crash library in this build")
    box.compile("""
source numbers: int = file("numbers.txt", text)
sink out = file("old.jsonl", jsonl)
numbers |> map { n: it } |> into out
""", "flow")
    box.write("numbers.txt", "1\n")
    box.run("./flow", "-d", "db")
    box.append("numbers.txt", "2\n3\n")
    shutil.copytree(box.path / "db", box.path / "saved")
    for at in range(1, 12):
        box.run("./flow", "-d", "db", "--sink", "out=new.jsonl", exit=None,
                env=flows.crash_env(box.tools, at, half=at % 2))
        box.run("./flow", "-d", "db", "--sink", "out=new.jsonl")
        check_equal('{"n": 2}\n{"n": 3}\n', box.read("new.jsonl"), f"kill at call {at}: new.jsonl")
        check_equal('{"n": 1}\n', box.read("old.jsonl"), "old.jsonl")
        box.remove("new.jsonl")
        box.remove("db")
        shutil.copytree(box.path / "saved", box.path / "db")


def test_names_are_on_the_disk_before_the_first_commit(box):
    """A run that is killed behind a mkdir or rename leaves that to the next one."""
    strace = shutil.which("strace")
    if not strace or not box.tools.can_crash:
        raise Skip("needs strace and the crash library")
    box.compile("""
source numbers: int = file("numbers.txt", text)
sink out = file("out/out.txt", text)
numbers |> into out
""", "flow")
    box.write("numbers.txt", "1\n")
    box.write("out/out.txt", "")
    for at in range(2, 40, 3):
        (box.path / "state").mkdir()
        box.run("./flow", "-d", "state/db", exit=None, env=flows.crash_env(box.tools, at))
        result = box.run(strace, "-f", "-y", "-e", "trace=fsync,pwrite64", "./flow", "-d", "state/db")
        trace = result.err.decode()
        if "out.txt" not in trace:
            break  # the killed run had committed
        synced = re.findall(r"fsync\(\d+<([^>]*)>", trace)
        for folder in ("state", "state/db", "out"):
            if str((box.path / folder).resolve()) not in synced:
                raise Failure(f"{folder} is not synced behind a kill at call {at}, only {synced}")
        box.remove("state")


def test_many_files_and_new_names_for_them(box):
    """Each file is read once, whatever it is called later, be it by another one's old name."""
    box.compile("""
record Row { n: int }
source rows: Row = dir("inputs/", csv, poll: 1s)
rows |> into stdout
""", "flow")
    count = 600
    for i in range(count):
        box.write(f"inputs/{i:04}.csv", f"n\n{i}\n")
    check_equal("".join(f'{{"n": {i}}}\n' for i in range(count)),
                box.run("./flow", "-d", "db", "--once").out, "stdout")
    inputs = box.path / "inputs"
    for prefix in ("x", "y", ""):
        for i, path in enumerate(sorted(inputs.iterdir())):
            path.rename(inputs / f"{prefix}{(i * 7 if prefix else i) % count:04}.csv")
        check_equal(b"", box.run("./flow", "-d", "db", "--once").out, f"stdout behind {prefix}")
    box.write("inputs/x0001.csv", "n\n-1\n")
    box.append("inputs/0003.csv", "-2\n")
    check_equal('{"n": -2}\n{"n": -1}\n', box.run("./flow", "-d", "db", "--once").out, "stdout")


def names(box):
    return sorted(str(p.relative_to(box.path)) for p in box.path.rglob("*") if not p.is_symlink())


REFUSED = """
source rows: int = file("rows.txt", text)
sink first = file("first.txt", text)
sink second = file("second.txt", text)
rows |> into first
rows |> into second
"""


def test_refused_run_leaves_nothing_behind(box):
    """No state directory and no empty sink, if the run did not come to read its first record."""
    box.compile(REFUSED, "flow")
    box.run("./flow", "-d", "db", exit=66)
    box.run("./flow", exit=66)
    check_equal("[]", str(names(box)), "files behind a missing input")
    box.write("rows.txt", "1\n")
    box.run("./flow", "-d", "db", "--sink", "second=first.txt", exit=64)
    check_equal("['rows.txt']", str(names(box)), "files behind two sinks on one file")
    (box.path / "second.txt").mkdir()
    box.run("./flow", "-d", "db", exit=73)
    check_equal("['rows.txt', 'second.txt']", str(names(box)), "files behind a sink that is a directory")
    (box.path / "second.txt").rmdir()
    (box.path / "db").mkdir()
    box.remove("rows.txt")
    box.run("./flow", "-d", "db", exit=66)
    check_equal("['db']", str(names(box)), "files of a directory that was there")


def test_refused_run_changes_no_sink(box):
    """Neither one that it would cut back nor one that it would empty: the second one is refused."""
    box.compile(REFUSED, "flow")
    box.write("rows.txt", "1\n2\n")
    box.run("./flow", "-d", "db")
    box.append("first.txt", "written by a run that crashed\n")
    box.write("second.txt", "edited\n")
    for options in ([], ["--sink-restart", "first"], ["--sink", "first=new.txt"]):
        result = box.run("./flow", "-d", "db", *options, exit=78)
        check_match(["second.txt"], result.err)
        check_equal("1\n2\nwritten by a run that crashed\n", box.read("first.txt"), "first.txt")
    check_equal("['db', 'db/data.mdb', 'db/flow.lock', 'db/lock.mdb', 'first.txt', 'rows.txt', 'second.txt']",
                str(names(box)), "files")


def test_moved_source_is_listed(box):
    box.compile('source rows: int = dir("a/", text)\nrows |> into stdout\n', "flow")
    for name in ("1.txt", "2.txt"):
        box.write(f"a/{name}", f"{name[0]}\n")
    box.run("./flow", "-d", "db", "--once")
    shutil.copytree(box.path / "a", box.path / "b")
    for n in range(3, 13):
        box.write(f"b/{n}.txt", f"{n}\n")
    box.write("b/2.txt", "20\n")
    shutil.copytree(box.path / "db", box.path / "saved")
    result = box.run("./flow", "-d", "db", "--once", "--source", "rows=b", "--summary", "text")
    check_equal("20\n10\n11\n12\n3\n4\n5\n6\n7\n8\n9\n", result.out, "stdout")
    check_match([r"source `rows` has moved: it was `dir lines a/` and is `dir lines b`", r"read on: 1, 1\.txt$",
                 r"new: 11, 2\.txt, 10\.txt, .*, …$"], result.err)
    result = box.run("./flow", "-d", "saved", "--once", "--source", "rows=b", "--summary", "json")
    check_match([r'"moved": \{"rows": \{"read_on": 1, "new": 11\}\}'], result.err)
    check_equal(b"", box.run("./flow", "-d", "db", "--once", "--source", "rows=b").out, "stdout")
