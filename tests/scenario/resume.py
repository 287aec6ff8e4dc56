"""Stopping and going on: signals, repaired inputs, moved and damaged files."""

import os
import signal
import time

from harness.base import EXAMPLES, Failure, check_equal, check_match

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
