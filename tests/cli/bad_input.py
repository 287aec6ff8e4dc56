"""What goes wrong around a program: each time a message that says what, where and what to do, the
documented exit code, and nothing lost."""

import fcntl
import os
import shutil
import subprocess

from harness.base import EXAMPLES, Failure, Skip, check_equal, check_match

SUM = (EXAMPLES / "running_sum" / "running_sum.flow").read_text()
FILE_SUM = """
source numbers: int = file("numbers.txt", text)
sink out = file("out/out.txt", text)
numbers |> key by "ALL" |> state total: int = 0 { total += it; emit total } |> into out
"""


def prepare(box, text=SUM, name="running_sum", numbers="1\n2\n"):
    box.compile(text, name)
    box.write("numbers.txt", numbers)


def check_goes_on(box):
    """Nothing was lost: with one more number the sum goes on where it was."""
    box.append("numbers.txt", "3\n")
    check_equal("('ALL', 6)\n", box.run("./running_sum", "-d", "db").out, "stdout")


def test_missing_input(box):
    box.compile(SUM, "running_sum")
    for args in ([], ["-d", "db"]):
        result = box.run("./running_sum", *args, exit=66)
        check_equal(b"", result.out, "stdout")
        check_match([r"numbers\.txt", "No such file|does not exist|missing"], result.err)
    box.write("numbers.txt", "1\n2\n")
    box.run("./running_sum", "-d", "db")
    check_goes_on(box)


def test_input_that_went_missing(box):
    prepare(box)
    box.run("./running_sum", "-d", "db")
    (box.path / "numbers.txt").rename(box.path / "kept")
    check_match([r"numbers\.txt"], box.run("./running_sum", "-d", "db", exit=66).err)
    (box.path / "kept").rename(box.path / "numbers.txt")
    check_goes_on(box)


def test_directory_where_a_file_should_be(box):
    box.compile(SUM, "running_sum")
    (box.path / "numbers.txt").mkdir()
    result = box.run("./running_sum", "-d", "db", exit=66)
    check_match([r"numbers\.txt", "directory"], result.err)
    (box.path / "numbers.txt").rmdir()
    box.write("numbers.txt", "1\n2\n")
    box.run("./running_sum", "-d", "db")
    check_goes_on(box)


def test_file_where_a_directory_should_be(box):
    box.compile((EXAMPLES / "wordcount" / "wordcount.flow").read_text(), "wordcount")
    box.write("inputs", "word\nabc\n")
    check_match(["inputs", "directory"], box.run("./wordcount", "--once", exit=66).err)


def test_line_over_the_limit(box):
    """One reject of its own; the line behind it is read as usual."""
    text = """
source lines: string = file("lines.txt", text)
lines |> map len(it) |> into stdout
"""
    box.compile(text, "lengths")
    box.write("lines.txt", b"short\n" + b"x" * (80 << 20) + b"\nend\n")
    result = box.run("./lengths", "-d", "db", exit=65)
    check_equal("5\n", result.out, "stdout")
    check_match([r"lines\.txt:2", "long|limit"], result.err)
    if len(result.err) > 10_000:
        raise Failure("the message quotes the whole line")
    box.compile(text.replace("text)", "text) else skip"), "lengths")
    check_equal("3\n", box.run("./lengths", "-d", "db").out, "stdout")


def test_state_directory_is_a_file(box):
    prepare(box)
    box.write("db", "not a directory")
    result = box.run("./running_sum", "-d", "db", exit=None)
    if result.code not in (73, 74):
        raise Failure("expected exit code 73 or 74\n" + result.describe())
    check_equal(b"", result.out, "stdout")
    check_match(["db"], result.err)
    check_equal("not a directory", box.read("db"), "db")


def test_unreadable_state_directory(box):
    """As a user that may not read it: root may read everything."""
    prepare(box)
    box.run("./running_sum", "-d", "db")
    argv = ["./running_sum", "-d", "db"]
    if os.getuid() == 0:
        if not shutil.which("setpriv"):
            raise Skip("needs setpriv to run as another user")
        os.chmod(box.tools.scratch, 0o755)
        argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *argv]
    os.chmod(box.path / "db", 0)
    result = box.run(*argv, exit=None)
    os.chmod(box.path / "db", 0o700)
    if result.code not in (73, 74):
        raise Failure("expected exit code 73 or 74\n" + result.describe())
    check_equal(b"", result.out, "stdout")
    check_match(["db.*[Pp]ermission denied"], result.err)
    check_goes_on(box)


def test_state_directory_of_another_flow(box):
    prepare(box)
    box.run("./running_sum", "-d", "db")
    box.compile(SUM, "another")
    result = box.run("./another", "-d", "db", exit=78)
    check_equal(b"", result.out, "stdout")
    check_match(["running_sum"], result.err)
    check_match(["another"], result.err)
    check_goes_on(box)


def test_second_process_on_the_state_directory(box):
    box.compile((EXAMPLES / "wordcount" / "wordcount.flow").read_text().replace("1s", "20ms"), "wordcount")
    box.write("inputs/1.csv", "word\nabc\n")
    with box.start("./wordcount", "-d", "db") as first:
        first.wait_for(lambda: (box.path / "result.jsonlines").exists()
                       and box.read("result.jsonlines"), "the first result")
        result = box.run("./wordcount", "-d", "db", "--once", exit=75)
        check_match([rf"\b{first.pid}\b"], result.err)
        box.append("inputs/1.csv", "def\n")
        first.wait_for(lambda: b"def" in box.read("result.jsonlines"), "the second result")
        first.end(15)
    box.run("./wordcount", "-d", "db", "--once")


def test_lock_of_a_killed_process_is_no_obstacle(box):
    box.compile((EXAMPLES / "wordcount" / "wordcount.flow").read_text().replace("1s", "20ms"), "wordcount")
    box.write("inputs/1.csv", "word\nabc\n")
    with box.start("./wordcount", "-d", "db") as first:
        first.wait_for(lambda: (box.path / "result.jsonlines").exists()
                       and box.read("result.jsonlines"), "the first result")
        first.process.kill()
        first.process.wait()
    box.run("./wordcount", "-d", "db", "--once")


def test_sink_that_another_process_writes(box):
    prepare(box, FILE_SUM, "sums")
    box.write("out/out.txt", "")
    with open(box.path / "out" / "out.txt", "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        result = box.run("./sums", "-d", "db", exit=None)
    if result.code not in (73, 74, 75):
        raise Failure("expected exit code 73, 74 or 75\n" + result.describe())
    check_match([r"out\.txt"], result.err)


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0x40]))


def test_flipped_bytes_in_the_store(box):
    """Damaged state is refused or does not matter; it is never used. Each place is tried on a copy."""
    prepare(box, numbers="".join(f"{n}\n" for n in range(1, 400)))
    box.run("./running_sum", "-d", "db", "--epoch-records", "10")
    box.append("numbers.txt", "3\n")
    expected = f"('ALL', {sum(range(1, 400)) + 3})\n".encode()
    data = next(p for p in (box.path / "db").iterdir() if p.suffix == ".mdb" and "lock" not in p.name)
    content = data.read_bytes()
    used = [n for n, byte in enumerate(content) if byte]
    step = max(1, len(used) // (400 if box.tools.is_full else 60))
    refused = 0
    for offset in used[::step]:
        shutil.rmtree(box.path / "copy", ignore_errors=True)
        shutil.copytree(box.path / "db", box.path / "copy")
        flip(box.path / "copy" / data.name, offset)
        result = box.run("./running_sum", "-d", "copy", exit=None)
        if result.code == 0:
            check_equal(expected, result.out[-len(expected):], f"byte {offset}: stdout")
        elif result.code in (74, 78) and result.err.strip():
            refused += 1
            check_equal(b"", result.out, f"byte {offset}: stdout")
        else:
            raise Failure(f"byte {offset} of {data.name} flipped:\n" + result.describe())
    if refused < 10:
        raise Failure(f"only {refused} of {len(used[::step])} flipped bytes were noticed")


def test_garbage_instead_of_a_store(box):
    prepare(box)
    (box.path / "db").mkdir()
    box.run("./running_sum", "-d", "db")
    data = next(p for p in (box.path / "db").iterdir() if p.suffix == ".mdb" and "lock" not in p.name)
    data.write_bytes(b"this is no database\n" * 1000)
    result = box.run("./running_sum", "-d", "db", exit=None)
    if result.code not in (74, 78):
        raise Failure("expected exit code 74 or 78\n" + result.describe())
    check_match(["db"], result.err)


def mount(path, size):
    """A small file system, or Skip where the user may not mount one."""
    path.mkdir()
    if os.getuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path],
            stderr=subprocess.DEVNULL).returncode != 0:
        raise Skip("needs the right to mount a small tmpfs")


def test_full_disk_under_a_sink(box):
    prepare(box, FILE_SUM, "sums", "".join(f"{n}\n" for n in range(100_000)))
    mount(box.path / "out", "64k")
    try:
        result = box.run("./sums", "-d", "db", exit=74)
        check_match([r"out\.txt", "[Nn]o space left|full"], result.err)
        subprocess.run(["mount", "-o", "remount,size=8m", box.path / "out"], check=True)
        box.run("./sums", "-d", "db")
        total, expected = 0, []
        for n in range(100_000):
            total += n
            expected.append(f"{total}\n")
        check_equal("".join(expected), box.read("out/out.txt"), "out.txt")
    finally:
        subprocess.run(["umount", "--lazy", box.path / "out"], check=True)


def test_full_disk_under_the_state(box):
    """The state of many keys does not fit; with more room the run goes on and nothing is lost."""
    box.compile("""
source words_in: string = file("words.txt", text)
words_in |> key by it |> state n: int = 0 { n += 1; emit f"{key} {n}" } |> into stdout
""", "counts")
    words = [f"word number {n} of many" for n in range(20_000)]
    box.write("words.txt", "\n".join(words) + "\n")
    mount(box.path / "small", "300k")
    try:
        first = box.run("./counts", "-d", "small/db", exit=74)
        check_match(["[Nn]o space left|full"], first.err)
        subprocess.run(["mount", "-o", "remount,size=64m", box.path / "small"], check=True)
        second = box.run("./counts", "-d", "small/db")
        expected = "".join(f"{word} 1\n" for word in words).encode()
        if not expected.startswith(first.out) or not expected.endswith(second.out):
            raise Failure("the output has other lines than it should")
        if len(first.out) + len(second.out) < len(expected):
            raise Failure("lines are missing from the output of both runs together")
    finally:
        subprocess.run(["umount", "--lazy", box.path / "small"], check=True)


def test_stdout_that_is_closed(box):
    """A reader that goes away (`| head`) is no reason for a crash report."""
    prepare(box, numbers="".join(f"{n}\n" for n in range(200_000)))
    result = box.run("bash", "-c", "./running_sum | head -n 1; echo ${PIPESTATUS[0]}")
    lines = result.out.decode().splitlines()
    check_equal("('ALL', 0)", lines[0], "the first line")
    if lines[1] not in ("0", "74", "141"):
        raise Failure(result.describe())


def test_full_stdout(box):
    prepare(box)
    result = box.run("sh", "-c", "exec ./running_sum > /dev/full", exit=74)
    check_match(["stdout"], result.err)


def test_two_sinks_on_one_file(box):
    box.compile("""
param other: string = "b.txt"
source numbers: int = file("numbers.txt", text)
sink a = file("a.txt", text)
sink b = file(other, text)
numbers |> into a
numbers |> into b
""", "two")
    box.write("numbers.txt", "1\n")
    box.run("./two")
    check_match([r"a\.txt"], box.run("./two", "--other", "a.txt", exit=64).err)
    os.link(box.path / "a.txt", box.path / "c.txt")
    check_match([r"c\.txt"], box.run("./two", "--other", "c.txt", exit=64).err)


def test_sink_on_the_source(box):
    box.compile("""
source numbers: int = file("numbers.txt", text)
sink out = file("out.txt", text)
numbers |> into out
""", "copy")
    box.write("numbers.txt", "1\n")
    box.run("./copy", "--sink", "out=numbers.txt", exit=64)
    check_equal("1\n", box.read("numbers.txt"), "numbers.txt")


def test_sink_in_a_missing_directory(box):
    prepare(box, FILE_SUM, "sums")
    check_match([r"out/out\.txt"], box.run("./sums", exit=73).err)
